/** @file Runs under Node. The sentences behind places in a split, and which of them hold a text; lets others work in between. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SPLITS, type Split } from '../../shared/datasets.ts';
import type { Cache } from '../data/cache.ts';
import { BLOCK_EXAMPLES, blockCount, type PairText, readBlock } from '../data/exampleBlocks.ts';

/** Blocks that are read before others have their turn: some milliseconds. */
export const BLOCKS_A_TURN = 4;

export interface SplitPlace {
  readonly datasetId: number;
  readonly split: Split;
  readonly rows: number;
}

/** The examples at these places, in their order; `undefined` where the data set ends before, because it was deleted. */
export async function examplesAt(
  cache: Cache,
  { datasetId, split }: SplitPlace,
  indices: Int32Array,
): Promise<(PairText | undefined)[]> {
  const examples = new Array<PairText | undefined>(indices.length);
  const placesByBlock = new Map<number, number[]>();
  for (const [place, index] of indices.entries()) {
    const block = Math.floor(index / BLOCK_EXAMPLES);
    const places = placesByBlock.get(block);
    if (places === undefined) placesByBlock.set(block, [place]);
    else places.push(place);
  }
  let read = 0;
  for (const [block, places] of placesByBlock) {
    const pairs = readBlock(cache, datasetId, SPLITS.indexOf(split), block);
    for (const place of places) examples[place] = pairs[indices[place]! % BLOCK_EXAMPLES];
    if (++read % BLOCKS_A_TURN === 0) await nextTurn();
  }
  return examples;
}

/** A 1 for each example that holds the text in a sentence as a person wrote it, whatever the case. */
export async function examplesHolding(
  cache: Cache,
  { datasetId, split, rows }: SplitPlace,
  text: string,
): Promise<Uint8Array> {
  const wanted = text.toLowerCase();
  const holds = (sentence: string | undefined) => sentence?.toLowerCase().includes(wanted) === true;
  const found = new Uint8Array(rows);
  for (let block = 0; block < blockCount(rows); block++) {
    const pairs = readBlock(cache, datasetId, SPLITS.indexOf(split), block);
    for (const [at, { premise, hypothesis }] of pairs.entries())
      if (holds(premise.raw) || holds(hypothesis?.raw)) found[block * BLOCK_EXAMPLES + at] = 1;
    if (block % BLOCKS_A_TURN === 0) await nextTurn();
  }
  return found;
}
