/** @file Runs anywhere. The analysed examples of a split, column by column: half a million fit into a few megabytes. */
import { pairTraits } from './sentenceTraits.ts';

/** One entry an example, in the order of the split. */
export interface ExampleColumns {
  readonly pairs: number;
  readonly gold: Uint8Array;
  readonly lengths: Uint32Array;
  /** 1 where the hypothesis holds a word of negation. */
  readonly negations: Uint8Array;
  /** NaN where there is nothing to compare. */
  readonly overlaps: Float64Array;
}

/** Some examples as a block of the cache holds them. */
export interface ExampleTokens {
  readonly labels: Uint8Array;
  readonly premises: readonly string[];
  readonly hypotheses: readonly string[] | null;
}

/** Columns that are filled block by block. */
export class ExampleColumnsBuilder {
  readonly #columns: ExampleColumns;
  #filled = 0;

  constructor(pairs: number) {
    this.#columns = {
      pairs,
      gold: new Uint8Array(pairs),
      lengths: new Uint32Array(pairs),
      negations: new Uint8Array(pairs),
      overlaps: new Float64Array(pairs),
    };
  }

  add({ labels, premises, hypotheses }: ExampleTokens): void {
    const { gold, lengths, negations, overlaps } = this.#columns;
    gold.set(labels, this.#filled);
    for (let at = 0; at < labels.length; at++) {
      const index = this.#filled + at;
      const { length, negation, overlap } = pairTraits(premises[at]!, hypotheses?.[at] ?? null);
      lengths[index] = length;
      negations[index] = negation ? 1 : 0;
      overlaps[index] = overlap ?? Number.NaN;
    }
    this.#filled += labels.length;
  }

  finish(): ExampleColumns {
    return this.#columns;
  }
}
