/** @file Runs anywhere under Node. Encodes a range of stored blocks, and the messages by which a thread is asked to. */
import type { ErrorData } from '../../shared/errors.ts';
import type { Cache } from './cacheConnection.ts';
import { type EncodingSettings, PairEncoder } from './encoding.ts';
import { BLOCK_EXAMPLES, readBlockTokens } from './exampleBlocks.ts';
import type { EncodedChunk } from './tokenCache.ts';
import { Vocabulary } from './vocabulary.ts';

/** What all ranges of one split have in common; plain data, so that it can be sent to a thread. */
export interface EncodingTask {
  readonly datasetId: number;
  readonly splitNumber: number;
  readonly tokens: readonly string[];
  readonly settings: EncodingSettings;
}

/** Asks for blocks fromBlock to toBlock - 1. A thread gets the next request when it has answered. */
export interface ThreadRequest {
  readonly fromBlock: number;
  readonly toBlock: number;
}

export type ThreadAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'encoded'; readonly chunk: EncodedChunk }
  | { readonly kind: 'failed'; readonly error: ErrorData };

export class BlockRangeEncoder {
  readonly #cache: Cache;
  readonly #task: EncodingTask;
  readonly #encoder: PairEncoder;

  constructor(cache: Cache, task: EncodingTask) {
    this.#cache = cache;
    this.#task = task;
    this.#encoder = new PairEncoder(new Vocabulary(task.tokens, 'of this run'), task.settings);
  }

  /** @throws StudioError DATABASE_CORRUPT when a block is missing or damaged. */
  encode(fromBlock: number, toBlock: number): EncodedChunk {
    for (const block of readBlockTokens(this.#cache, this.#task, fromBlock, toBlock)) {
      for (let at = 0; at < block.labels.length; at++) {
        this.#encoder.add(block.premises[at]!, block.hypotheses?.[at] ?? null, block.labels[at]!);
      }
    }
    const { ids, offsets, segmentStarts, labels, truncatedPairs } = this.#encoder.take();
    const lengths = Int32Array.from(labels, (_, at) => offsets[at + 1]! - offsets[at]!);
    return { firstPair: fromBlock * BLOCK_EXAMPLES, ids, lengths, segmentStarts, labels, truncatedPairs };
  }
}
