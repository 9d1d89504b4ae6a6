/**
 * @file Runs anywhere. Dropout defined by place, not by layout (architecture.md, "Contracts"): whether a value is kept
 * depends on seed, place, step, the pair's index in the optimizer batch and the element inside the pair, so masks are
 * the same whatever the padding, the micro-batches and the device.
 */
import { philox4x32 } from './philox.ts';

/** What all dropouts of one forward pass share. */
export interface DropoutSource {
  /** Share of values that are dropped, 0 to below 1. */
  readonly rate: number;
  readonly seed: number;
  readonly step: number;
  /** Which micro-batch of the step this is: only engines that draw by stream (tensorflow) look at it. */
  readonly microBatch: number;
}

/** The dropouts of a layer; behind all layers there are those of the embeddings and of the head, where a network has them. */
export const PLACES_PER_LAYER = 3;
export const attentionPlace = (layer: number) => layer * PLACES_PER_LAYER;
export const attentionOutputPlace = (layer: number) => layer * PLACES_PER_LAYER + 1;
export const feedForwardOutputPlace = (layer: number) => layer * PLACES_PER_LAYER + 2;
export const embeddingPlace = (layers: number) => layers * PLACES_PER_LAYER;
export const headPlace = (layers: number) => layers * PLACES_PER_LAYER + 1;

/** A word below this drops its value: ⌊p · 2³²⌋. */
export const dropThreshold = (rate: number) => Math.floor(rate * 0x100000000);

/** One pair's stretch of a mask: `count` elements of the pair, written at `at` in the output. */
export interface MaskStretch {
  readonly pairIndex: number;
  /** First element inside the pair. */
  readonly element: number;
  readonly count: number;
  readonly at: number;
}

/** Writes 0 for dropped and 1 / (1 - p) for kept values. */
export function fillDropoutMask(
  out: Float32Array,
  stretch: MaskStretch,
  source: DropoutSource,
  place: number,
): void {
  const threshold = dropThreshold(source.rate);
  const scale = Math.fround(1 / (1 - source.rate));
  const words = new Uint32Array(4);
  const key = [source.seed, place] as const;
  let block = -1;
  for (let position = 0; position < stretch.count; position++) {
    const element = stretch.element + position;
    if (element >>> 2 !== block) {
      block = element >>> 2;
      philox4x32([block, stretch.pairIndex, source.step, 0], key, words);
    }
    out[stretch.at + position] = words[element & 3]! >= threshold ? scale : 0;
  }
}
