/** @file Runs anywhere under Node. A whole split as token ids: from the token cache when it is there, else encoded on threads and stored. */
import { Worker } from 'node:worker_threads';
import { type Dataset, SPLITS, type Split } from '../../shared/datasets.ts';
import { errorFromData, StudioError } from '../../shared/errors.ts';
import { entriesHere } from '../entries.ts';
import type { FileLock } from '../files/fileLock.ts';
import {
  BlockRangeEncoder,
  type EncodingTask,
  type ThreadAnswer,
  type ThreadRequest,
} from './blockRangeEncoder.ts';
import { type Cache, lockCache } from './cache.ts';
import { requireDataset } from './datasets.ts';
import type { EncodedSplit } from './encoding.ts';
import { blockCount } from './exampleBlocks.ts';
import type { PairTokenizer } from './pairTokenizer.ts';
import {
  type ChunkSink,
  dropTokenCache,
  loadTokenCache,
  memorySink,
  storingSink,
  type TokenCacheKey,
} from './tokenCache.ts';
import type { EncodingSettings } from './truncation.ts';

/** Blocks that a thread encodes at a time: 8,192 pairs, about a megabyte of ids. */
const CHUNK_BLOCKS = 16;

/** Nothing that a thread makes lives long: a small nursery keeps its memory small and costs no time. */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 8 };

export interface EncodingProgress {
  readonly pairsDone: number;
  readonly pairs: number;
  /** 0 to 1. */
  readonly fraction: number;
}

export interface EncodeOptions extends EncodingSettings {
  readonly dataset: Dataset;
  readonly split: Split;
  readonly tokenizer: PairTokenizer;
  /** Threads that encode; the book uses four processes. Up to 8,192 pairs are encoded without any. */
  readonly workers: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: EncodingProgress) => void;
  /** The file of the threads; the one of this checkout unless told. */
  readonly threadFile?: string;
}

/**
 * Encodes a split, or reads what an earlier call stored for the same examples, tokenizer and settings. Where it
 * cannot be stored, because the cache is open for reading only or another process writes to it, it is encoded all
 * the same.
 * @throws StudioError NOT_FOUND when the data set has been deleted; CANCELLED, DATABASE_CORRUPT, DISK_FULL, WORKER_CRASHED.
 */
export async function encodeSplit(cache: Cache, options: EncodeOptions): Promise<EncodedSplit> {
  const key = keyOf(options);
  const stored = loadTokenCache(cache, key);
  if (stored !== null) return stored;
  requireDataset(cache, options.dataset.name);
  const lock = lockIfFree(cache, options);
  try {
    const sink = lock === null ? memorySink() : freshSink(cache, key);
    try {
      await encodeInto(sink, cache, options);
      return sink.finish();
    } catch (thrown) {
      sink.discard();
      throw thrown;
    }
  } finally {
    lock?.release();
  }
}

function keyOf({ dataset, split, tokenizer, maxLen, truncation }: EncodeOptions): TokenCacheKey {
  const { contentHash, readerVersion } = dataset;
  return { contentHash, split, vocabularyHash: tokenizer.hash, maxLen, truncation, readerVersion };
}

/** What is stored under this key, if anything, was found to be damaged: it makes room. */
function freshSink(cache: Cache, key: TokenCacheKey): ChunkSink {
  dropTokenCache(cache, key);
  return storingSink(cache, key);
}

function lockIfFree(cache: Cache, { dataset, split }: EncodeOptions): FileLock | null {
  if (cache.readOnly) return null;
  try {
    return lockCache(cache, `encoding the ${split} split of ${JSON.stringify(dataset.name)}`);
  } catch (thrown) {
    if (thrown instanceof StudioError && thrown.code === 'LOCKED') return null;
    throw thrown;
  }
}

async function encodeInto(sink: ChunkSink, cache: Cache, options: EncodeOptions): Promise<void> {
  const { dataset, split, tokenizer, maxLen, truncation, workers } = options;
  const pairs = dataset.rows[split];
  const task: EncodingTask = {
    datasetId: dataset.id,
    splitNumber: SPLITS.indexOf(split),
    tokenizer: tokenizer.toData(),
    settings: { maxLen, truncation },
  };
  const requests: ThreadRequest[] = [];
  for (let block = 0; block < blockCount(pairs); block += CHUNK_BLOCKS) {
    requests.push({ fromBlock: block, toBlock: Math.min(block + CHUNK_BLOCKS, blockCount(pairs)) });
  }
  let pairsDone = 0;
  const take: TakeChunk = (chunk) => {
    pairsDone += chunk.labels.length;
    sink.add(chunk);
    options.onProgress?.({ pairsDone, pairs, fraction: pairsDone / pairs });
  };
  if (requests.length <= 1 || workers < 1) {
    const encoder = new BlockRangeEncoder(cache, task);
    for (const { fromBlock, toBlock } of requests) {
      throwIfCancelled(options.signal);
      take(encoder.encode(fromBlock, toBlock));
    }
    return;
  }
  await runThreads(requests, take, { ...options, task, cachePath: cache.path });
}

type TakeChunk = ChunkSink['add'];

interface ThreadOptions {
  readonly workers: number;
  readonly task: EncodingTask;
  readonly cachePath: string;
  readonly signal?: AbortSignal;
  readonly threadFile?: string;
}

/** Hands each request to the next thread that is free. Every thread has ended when the promise settles. */
async function runThreads(
  requests: readonly ThreadRequest[],
  take: TakeChunk,
  options: ThreadOptions,
): Promise<void> {
  const queue = requests.values();
  const threadFile = options.threadFile ?? entriesHere().path('encoding');
  const count = Math.min(options.workers, requests.length);
  const threads = Array.from({ length: count }, () => {
    const workerData = { ...options.task, cachePath: options.cachePath };
    return new Worker(threadFile, {
      workerData,
      execArgv: [],
      resourceLimits: THREAD_LIMITS,
      name: 'encoding',
    });
  });
  try {
    await Promise.all(threads.map((thread) => driveThread(thread, queue, take, options.signal)));
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

/** Gives one thread request after request until none is left. */
function driveThread(
  thread: Worker,
  queue: IterableIterator<ThreadRequest>,
  take: TakeChunk,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((done, fail) => {
    const cancel = (): void => fail(cancelled());
    const settle = (settled: () => void): void => {
      signal?.removeEventListener('abort', cancel);
      settled();
    };
    const next = (): void => {
      const request = queue.next();
      if (request.done === true) settle(done);
      else thread.postMessage(request.value);
    };
    thread.on('message', (answer: ThreadAnswer) => {
      try {
        throwIfCancelled(signal);
        if (answer.kind === 'failed') throw errorFromData(answer.error);
        if (answer.kind === 'encoded') take(answer.chunk);
        next();
      } catch (thrown) {
        settle(() => fail(thrown));
      }
    });
    thread.on('error', (cause) => settle(() => fail(threadCrashed(cause.message, cause))));
    thread.on('exit', (code) => settle(() => fail(threadCrashed(`it ended with code ${code}`))));
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted === true) cancel();
  });
}

function threadCrashed(detail: string, cause?: unknown): StudioError {
  return new StudioError('WORKER_CRASHED', `A thread that encodes pairs stopped: ${detail}.`, {
    nextStep: 'Try again; if it happens again, try fewer threads (--workers 1).',
    cause,
  });
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled();
}

function cancelled(): StudioError {
  return new StudioError('CANCELLED', 'Encoding was cancelled; nothing of it is kept.');
}
