/** @file Node. Finds examples of a split by text and label, block by block, without standing still. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Dataset, SPLITS, type Split } from '../../shared/datasets.ts';
import type { Cache } from './cache.ts';
import { BLOCK_EXAMPLES, blockCount, readBlock } from './exampleBlocks.ts';

export interface ExampleSearch {
  readonly split: Split;
  /** Stands in either sentence, whatever the case; "" is everywhere. */
  readonly text: string;
  readonly label: number | null;
}

/** Blocks read between two turns of the event loop: about five milliseconds. */
const BLOCKS_A_TURN = 4;

/** Positions of every example that fits, in order. */
export async function searchExamples(
  cache: Cache,
  dataset: Dataset,
  search: ExampleSearch,
): Promise<Int32Array> {
  const wanted = search.text.toLowerCase();
  const found: number[] = [];
  const blocks = blockCount(dataset.rows[search.split]);
  for (let block = 0; block < blocks; block++) {
    const pairs = readBlock(cache, dataset.id, SPLITS.indexOf(search.split), block);
    for (const [at, { premise, hypothesis, label }] of pairs.entries()) {
      if (search.label !== null && label !== search.label) continue;
      const stands =
        wanted === '' ||
        premise.raw.toLowerCase().includes(wanted) ||
        (hypothesis?.raw.toLowerCase().includes(wanted) ?? false);
      if (stands) found.push(block * BLOCK_EXAMPLES + at);
    }
    if (block % BLOCKS_A_TURN === BLOCKS_A_TURN - 1) await nextTurn();
  }
  return Int32Array.from(found);
}
