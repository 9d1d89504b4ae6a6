/** @file Runs anywhere under Node. Encodes a range of stored blocks, and the messages by which a thread is asked to. */
import type { ErrorData } from '../../shared/errors.ts';
import type { Cache } from './cacheConnection.ts';
import { PairEncoder } from './encoding.ts';
import { BLOCK_EXAMPLES, readBlockTexts } from './exampleBlocks.ts';
import { tokenizerFromData } from './openPairTokenizer.ts';
import type { PairTokenizer, TokenizerData } from './pairTokenizer.ts';
import type { EncodedChunk } from './tokenCache.ts';
import type { EncodingSettings } from './truncation.ts';

/** What all ranges of one split have in common; plain data, so that it can be sent to a thread. */
export interface EncodingTask {
  readonly datasetId: number;
  readonly splitNumber: number;
  readonly tokenizer: TokenizerData;
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
  readonly #tokenizer: PairTokenizer;
  readonly #encoder: PairEncoder;

  constructor(cache: Cache, task: EncodingTask) {
    this.#cache = cache;
    this.#task = task;
    this.#tokenizer = tokenizerFromData(task.tokenizer);
    this.#encoder = new PairEncoder(this.#tokenizer, task.settings);
  }

  /** @throws StudioError DATABASE_CORRUPT when a block is missing or damaged. */
  encode(fromBlock: number, toBlock: number): EncodedChunk {
    const place = { ...this.#task, form: this.#tokenizer.reads };
    for (const block of readBlockTexts(this.#cache, place, fromBlock, toBlock)) {
      for (let at = 0; at < block.labels.length; at++) {
        this.#encoder.add(block.premises[at]!, block.hypotheses?.[at] ?? null, block.labels[at]!);
      }
    }
    const { ids, offsets, segmentStarts, labels, truncatedPairs } = this.#encoder.take();
    const lengths = Int32Array.from(labels, (_, at) => offsets[at + 1]! - offsets[at]!);
    return { firstPair: fromBlock * BLOCK_EXAMPLES, ids, lengths, segmentStarts, labels, truncatedPairs };
  }
}
