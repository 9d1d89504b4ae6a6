/** @file Tests. A split as ids: with threads and without, stored and read back, and where it cannot be stored. */
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Cache, lockCache, openCache } from '../../../main/data/cache.ts';
import { datasetSize, deleteDataset, examples, findDataset } from '../../../main/data/datasets.ts';
import { type EncodeOptions, encodeSplit } from '../../../main/data/encodedSplits.ts';
import { type EncodedSplit, encodePairs } from '../../../main/data/encoding.ts';
import { importDataset } from '../../../main/data/importDataset.ts';
import { clearTokenCaches, tokenCacheSize } from '../../../main/data/tokenCache.ts';
import { vocabularyOf } from '../../../main/data/vocabulary.ts';
import { WordsTokenizer } from '../../../main/data/wordsTokenizer.ts';
import type { Dataset } from '../../../shared/datasets.ts';
import { numberedPairs, writePairsCsv } from '../../support/pairsCsv.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

/** Two chunks, so that two threads have something to do. */
const PAIRS = 9000;
const SETTINGS = { maxLen: 11, truncation: 'longer-first' } as const;

let cachePath: string;
let tokenizer: WordsTokenizer;
let expected: EncodedSplit;
beforeAll(async () => {
  const folder = temporaryFolder();
  cachePath = join(folder, 'cache.db');
  writePairsCsv(
    join(folder, 'pairs.csv'),
    numberedPairs(PAIRS).map((pair) => ({ ...pair, split: 'train' })),
  );
  writePairsCsv(
    join(folder, 'small.csv'),
    numberedPairs(50).map((pair) => ({ ...pair, split: 'dev' })),
  );
  const cache = openCache(cachePath);
  const dataset = await importDataset(cache, { path: join(folder, 'pairs.csv'), name: 'pairs' });
  await importDataset(cache, { path: join(folder, 'pairs.csv'), name: 'twin' });
  await importDataset(cache, { path: join(folder, 'small.csv'), name: 'small' });
  tokenizer = new WordsTokenizer(vocabularyOf(cache, dataset.id, 2));
  const all = examples(cache, dataset.id, 'train', { from: 0, count: PAIRS });
  const pairs = all.map(({ premise, hypothesis }) => ({
    premise: premise.tokens,
    hypothesis: hypothesis!.tokens,
  }));
  expected = {
    ...encodePairs(pairs, tokenizer, SETTINGS),
    labels: Int32Array.from(all, ({ label }) => label),
  };
  cache.close();
});

/** The cache of this file, without token caches, and the options for its data set. */
function opened(readOnly = false): { cache: Cache; dataset: Dataset; options: EncodeOptions } {
  const writing = openCache(cachePath);
  clearTokenCaches(writing);
  writing.close();
  const cache = openCache(cachePath, { readOnly });
  onTestFinished(() => cache.close());
  const dataset = findDataset(cache, 'pairs')!;
  return { cache, dataset, options: { dataset, split: 'train', tokenizer, workers: 0, ...SETTINGS } };
}

describe('encoding a split', () => {
  test.each([0, 1, 2, 5])('with %i threads is the same as pair by pair', async (workers) => {
    const { cache, options } = opened();
    const fractions: number[] = [];
    const onProgress = ({ fraction }: { fraction: number }): void => {
      fractions.push(fraction);
    };
    expect(await encodeSplit(cache, { ...options, workers, onProgress })).toEqual(expected);
    expect(expected.truncatedPairs).toBe(PAIRS);
    expect(fractions).toEqual([...fractions].sort((left, right) => left - right));
    expect(fractions.at(-1)).toBe(1);
  });

  test('a split without pairs is empty', async () => {
    const { cache, options } = opened();
    const empty = await encodeSplit(cache, { ...options, split: 'dev' });
    expect(empty).toMatchObject({ pairs: 0, ids: new Int32Array(0), offsets: Int32Array.of(0) });
  });

  test('a small split needs no thread', async () => {
    const { cache, options } = opened();
    const dataset = findDataset(cache, 'small')!;
    const split = await encodeSplit(cache, {
      ...options,
      dataset,
      split: 'dev',
      workers: 2,
      threadFile: '/no/such/file',
    });
    expect(split.pairs).toBe(50);
  });
});

describe('the token cache', () => {
  test('is read the second time, whatever the name of the data set', async () => {
    const { cache, options } = opened();
    await encodeSplit(cache, options);
    const onProgress = (): never => {
      throw new Error('this encodes again');
    };
    expect(await encodeSplit(cache, { ...options, onProgress })).toEqual(expected);
    const twin = findDataset(cache, 'twin')!;
    expect(await encodeSplit(cache, { ...options, dataset: twin, onProgress })).toEqual(expected);
    const reader = openCache(cachePath, { readOnly: true });
    expect(await encodeSplit(reader, { ...options, onProgress })).toEqual(expected);
    reader.close();
    expect(tokenCacheSize(cache).caches).toBe(1);
  });

  test('knows one packing, vocabulary, reader or content from another', async () => {
    const { cache, ...pairs } = opened();
    const dataset = findDataset(cache, 'small')!;
    const options: EncodeOptions = { ...pairs.options, dataset, split: 'dev' };
    await encodeSplit(cache, options);
    await encodeSplit(cache, { ...options, maxLen: 12 });
    await encodeSplit(cache, { ...options, truncation: 'length-ratio' });
    await encodeSplit(cache, {
      ...options,
      tokenizer: new WordsTokenizer(vocabularyOf(cache, pairs.dataset.id, 3)),
    });
    await encodeSplit(cache, {
      ...options,
      dataset: { ...dataset, readerVersion: dataset.readerVersion + 1 },
    });
    await encodeSplit(cache, { ...options, dataset: { ...dataset, contentHash: 'other' } });
    expect(tokenCacheSize(cache).caches).toBe(6);
  });

  test('with a flipped bit is made anew', async () => {
    const { cache, options } = opened();
    await encodeSplit(cache, options);
    const ids = cache.database
      .prepare('SELECT ids FROM token_chunks WHERE first_pair = 8192')
      .pluck()
      .get() as Buffer;
    ids[1000] = ids[1000]! ^ 4;
    cache.database.prepare('UPDATE token_chunks SET ids = ? WHERE first_pair = 8192').run(ids);
    expect(await encodeSplit(cache, options)).toEqual(expected);
    expect(tokenCacheSize(cache).caches).toBe(1);
  });

  test('with a chunk missing is made anew', async () => {
    const { cache, options } = opened();
    await encodeSplit(cache, options);
    cache.database.prepare('DELETE FROM token_chunks WHERE first_pair = 8192').run();
    expect(await encodeSplit(cache, options)).toEqual(expected);
  });
});

describe('where nothing can be stored', () => {
  test('a cache that is open for reading', async () => {
    const { cache, options } = opened(true);
    expect(await encodeSplit(cache, options)).toEqual(expected);
    expect(tokenCacheSize(cache).caches).toBe(0);
  });

  test('a cache that somebody else writes to', async () => {
    const { cache, options } = opened();
    const lock = lockCache(cache, 'importing');
    expect(await encodeSplit(cache, options)).toEqual(expected);
    lock.release();
    expect(tokenCacheSize(cache).caches).toBe(0);
  });
});

describe('when it goes wrong, nothing is kept', () => {
  const leftovers = (cache: Cache): unknown =>
    cache.database.prepare('SELECT count(*) FROM token_chunks').pluck().get();

  test.each([0, 2])('cancelled, with %i threads', async (workers) => {
    const { cache, options } = opened();
    const controller = new AbortController();
    const onProgress = (): void => controller.abort();
    const error = await studioRejectionOf(
      encodeSplit(cache, { ...options, workers, onProgress, signal: controller.signal }),
    );
    expect(error.code).toBe('CANCELLED');
    expect(leftovers(cache)).toBe(0);
    lockCache(cache, 'anything').release();
  });

  test('a thread that cannot start', async () => {
    const { cache, options } = opened();
    const error = await studioRejectionOf(
      encodeSplit(cache, { ...options, workers: 2, threadFile: '/no/such/file.ts' }),
    );
    expect(error.code).toBe('WORKER_CRASHED');
    expect(leftovers(cache)).toBe(0);
  });

  test('a data set that is gone', async () => {
    const { cache, dataset, options } = opened();
    const gone = { ...dataset, id: 99, name: 'gone' };
    const error = await studioRejectionOf(encodeSplit(cache, { ...options, dataset: gone, maxLen: 12 }));
    expect(error.code).toBe('NOT_FOUND');
  });

  test.each([0, 2])('a damaged block of examples, with %i threads', async (workers) => {
    const { cache, dataset, options } = opened();
    const where = 'WHERE dataset_id = ? AND split = 0 AND block = 17';
    const text = cache.database
      .prepare(`SELECT premise_tokens FROM example_blocks ${where}`)
      .pluck()
      .get(dataset.id);
    const change = cache.database.prepare(`UPDATE example_blocks SET premise_tokens = ? ${where}`);
    change.run((text as string).replace('horse', 'house'), dataset.id);
    onTestFinished(() => {
      change.run(text, dataset.id);
    });
    const error = await studioRejectionOf(encodeSplit(cache, { ...options, workers }));
    expect(error.code).toBe('DATABASE_CORRUPT');
    expect(leftovers(cache)).toBe(0);
  });
});

describe('deleting', () => {
  test('tells what would go, keeps what a twin needs, and gives the space back', async () => {
    const { cache, options } = opened();
    await encodeSplit(cache, options);
    const { sizeBytes } = tokenCacheSize(cache);
    expect(sizeBytes).toBeGreaterThan(PAIRS * 11 * 4);
    expect(datasetSize(cache, 'twin')).toMatchObject({ tokenCacheBytes: 0 });
    expect(datasetSize(cache, 'twin').exampleBytes).toBeGreaterThan(PAIRS * 50);
    deleteDataset(cache, 'twin');
    expect(findDataset(cache, 'twin')).toBeNull();
    expect(tokenCacheSize(cache)).toEqual({ caches: 1, sizeBytes });
    expect(datasetSize(cache, 'pairs')).toMatchObject({ tokenCacheBytes: sizeBytes });
    const pages = (): number => cache.database.pragma('page_count', { simple: true }) as number;
    const before = pages();
    deleteDataset(cache, 'pairs');
    expect(tokenCacheSize(cache).caches).toBe(0);
    expect(pages()).toBeLessThan(before / 2);
    expect(findDataset(cache, 'small')?.rows.dev).toBe(50);
    expect(cache.database.pragma('integrity_check', { simple: true })).toBe('ok');
  });
});
