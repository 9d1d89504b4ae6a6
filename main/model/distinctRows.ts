/**
 * @file Runs anywhere. Rows of a batch that the first layer sees more than once (architecture.md, idea 3). Without
 * LayerNorm and dropout on the embeddings a row is decided by token, position and segment, and in real batches less than
 * half of the rows differ: what the first layer computes row by row is computed once a distinct one. It is exact; only
 * the order of the gradient's additions changes.
 */
import type { ModelConfig } from '../../shared/runs.ts';
import { hasKernel, KERNELS } from './kernels/dispatch.ts';
import type { PackedBatch } from './packedBatch.ts';

/** What the embeddings are computed for: E rows. */
export interface EmbeddedRows {
  /** [E] */
  readonly ids: Int32Array;
  /** [E] */
  readonly segments: Int32Array;
  /** [E] */
  readonly positions: Int32Array;
  /** [R] which of them each row of the batch is; null: E = R, each its own. */
  readonly sources: Int32Array | null;
}

export function everyRow({ ids, segments, positions }: PackedBatch): EmbeddedRows {
  return { ids, segments, positions, sources: null };
}

/** The distinct rows where the engine reads rows by index and the configuration makes equal rows stay equal. */
export function rowsToEmbed(config: ModelConfig, batch: PackedBatch, drops: boolean): EmbeddedRows {
  const staysEqual = !(config.embeddingNorm && drops);
  const gains = config.layers > 1 && hasKernel(KERNELS.attentionOfSources);
  return staysEqual && gains ? distinctRows(batch) : everyRow(batch);
}

/** Each distinct (token, position, segment) once, in the order in which they first appear. */
export function distinctRows({ rows, ids, segments, positions }: PackedBatch): EmbeddedRows {
  const sources = new Int32Array(rows);
  const distinct = {
    ids: new Int32Array(rows),
    segments: new Int32Array(rows),
    positions: new Int32Array(rows),
  };
  // A hash table with open addressing, in plain loops: a Map takes ten times as long, and a step waits for it.
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * rows + 1))).fill(-1);
  const mask = slots.length - 1;
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const [id, segment, position] = [ids[row]!, segments[row]!, positions[row]!];
    const hash = Math.imul(id, 0x9e3779b1) ^ Math.imul(position * 2 + segment, 0x85ebca6b);
    let slot = (hash ^ (hash >>> 15)) & mask;
    let source = slots[slot]!;
    while (
      source >= 0 &&
      (distinct.ids[source] !== id ||
        distinct.positions[source] !== position ||
        distinct.segments[source] !== segment)
    ) {
      slot = (slot + 1) & mask;
      source = slots[slot]!;
    }
    if (source < 0) {
      source = count++;
      slots[slot] = source;
      distinct.ids[source] = id;
      distinct.segments[source] = segment;
      distinct.positions[source] = position;
    }
    sources[row] = source;
  }
  return {
    ids: distinct.ids.slice(0, count),
    segments: distinct.segments.slice(0, count),
    positions: distinct.positions.slice(0, count),
    sources,
  };
}
