/** @file Runs in the exporting child. Where an export that failed begins to differ from the studio, layer by layer. */
import type { FirstDivergence } from '../../shared/exports.ts';
import type { PaddedBatch } from '../export/modelRunner.ts';

/** Relative to the largest value of a layer: single precision in another order stays far below. */
const RELATIVE_TOLERANCE = 1e-4;

/**
 * The first of the layers that differs by more than rounding; null when none does.
 * @param ours, theirs the embeddings and every layer, [P, T, H]; the last may be [P, H], first rows only
 */
export function firstDivergence(
  ours: readonly Float32Array[],
  theirs: readonly Float32Array[],
  batch: PaddedBatch,
): FirstDivergence | null {
  for (const [at, exported] of theirs.entries()) {
    const studio = ours[at];
    if (studio === undefined) return null;
    const { maxDifference, scale } = compared(studio, exported, batch);
    if (!(maxDifference <= RELATIVE_TOLERANCE * scale))
      return { place: at === 0 ? 'embeddings' : `layer ${at - 1}`, maxDifference, scale };
  }
  return null;
}

function compared(
  studio: Float32Array,
  exported: Float32Array,
  { pairs, length, attentionMask }: PaddedBatch,
): { maxDifference: number; scale: number } {
  const hidden = studio.length / (pairs * length);
  const firstRowsOnly = exported.length === pairs * hidden;
  let maxDifference = 0;
  let scale = 0;
  for (let place = 0; place < pairs * length; place++) {
    // Numbers at padding mean nothing.
    if (attentionMask[place] !== 1 || (firstRowsOnly && place % length !== 0)) continue;
    const from = (firstRowsOnly ? place / length : place) * hidden;
    for (let unit = 0; unit < hidden; unit++) {
      const value = studio[place * hidden + unit]!;
      scale = Math.max(scale, Math.abs(value));
      const difference = Math.abs(value - exported[from + unit]!);
      if (Number.isNaN(difference)) return { maxDifference: Number.MAX_VALUE, scale };
      maxDifference = Math.max(maxDifference, difference);
    }
  }
  return { maxDifference, scale };
}
