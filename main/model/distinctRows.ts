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
  const firstRows = new Int32Array(rows);
  const slots = new SlotTable(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const isSame = (source: number) => {
      const first = firstRows[source]!;
      return (
        ids[first] === ids[row] && positions[first] === positions[row] && segments[first] === segments[row]
      );
    };
    const hash =
      Math.imul(ids[row]!, 0x9e3779b1) ^ Math.imul(positions[row]! * 2 + segments[row]!, 0x85ebca6b);
    const source = slots.place(hash, count, isSame);
    if (source === count) firstRows[count++] = row;
    sources[row] = source;
  }
  const of = (values: Int32Array) => firstRows.subarray(0, count).map((row) => values[row]!);
  return { ids: of(ids), segments: of(segments), positions: of(positions), sources };
}

/** A hash table of small numbers with open addressing: a Map of keys takes five times as long. */
class SlotTable {
  readonly #slots: Int32Array;

  constructor(most: number) {
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * most + 1))).fill(-1);
  }

  /** The number that is there already, or `next`, which is then there. */
  place(hash: number, next: number, isSame: (present: number) => boolean): number {
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (this.#slots[slot] !== -1) {
      if (isSame(this.#slots[slot]!)) return this.#slots[slot]!;
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = next;
    return next;
  }
}
