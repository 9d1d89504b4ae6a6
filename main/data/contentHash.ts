/** @file Runs anywhere under Node. The content hash of a data set: what a run's record refers to. */
import { createHash, type Hash } from 'node:crypto';
import { SPLITS, type Split } from '../../shared/datasets.ts';
import type { PairText } from './exampleBlocks.ts';

/** Text is handed to the hash in pieces of about this many characters. */
const PIECE_CHARACTERS = 1 << 16;

/**
 * SHA-256 over the examples in order. Each split is hashed by itself, over one line of JSON an example:
 * `[label, premise tokens, premise raw, hypothesis tokens, hypothesis raw]` (the last two null for a single
 * sentence). The content hash is that of the JSON `{"labels": […], "splits": [[name, its hash], …]}`. So neither
 * the order in which files are read nor the layout of the database matters.
 */
export class ContentHash {
  readonly #splits = new Map<Split, { hash: Hash; pending: string }>();

  add(split: Split, pair: PairText): void {
    let state = this.#splits.get(split);
    if (state === undefined) {
      state = { hash: createHash('sha256'), pending: '' };
      this.#splits.set(split, state);
    }
    const { premise, hypothesis, label } = pair;
    const line = [label, premise.tokens, premise.raw, hypothesis?.tokens ?? null, hypothesis?.raw ?? null];
    state.pending += `${JSON.stringify(line)}\n`;
    if (state.pending.length < PIECE_CHARACTERS) return;
    state.hash.update(state.pending);
    state.pending = '';
  }

  /** Hexadecimal. To be called once, at the end. */
  digest(labels: readonly string[]): string {
    const splits: [Split, string][] = [];
    for (const split of SPLITS) {
      const state = this.#splits.get(split);
      if (state !== undefined) splits.push([split, state.hash.update(state.pending).digest('hex')]);
    }
    return createHash('sha256').update(JSON.stringify({ labels, splits })).digest('hex');
  }
}
