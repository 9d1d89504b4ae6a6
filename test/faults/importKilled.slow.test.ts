/** @file Tests. SIGKILL at chosen moments of an import and of the encoding after it: nothing is half there, and all works again. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { openCache } from '../../main/data/cache.ts';
import { examples, findDataset } from '../../main/data/datasets.ts';
import { encodeSplit } from '../../main/data/encodedSplits.ts';
import { importDataset } from '../../main/data/importDataset.ts';
import { tokenCacheSize } from '../../main/data/tokenCache.ts';
import { vocabularyOf } from '../../main/data/vocabulary.ts';
import { WordsTokenizer } from '../../main/data/wordsTokenizer.ts';
import { numberedPairs, writePairsCsv } from '../support/pairsCsv.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const CHILD = join(import.meta.dirname, '..', 'support', 'importAndDie.ts');
const PAIRS = 12_000;
const SPLITS = { train: 9600, dev: 1200, test: 1200 };

/** Blocks of 512 in their first, undecided place (24) and in their split (19 + 3 + 3), three splits' words, the data set. */
const IMPORT_WRITES = 24 + 25 + 3 + 1;
/** The token cache's own row, its two chunks, and its completion. */
const ALL_WRITES = IMPORT_WRITES + 1 + 2 + 1;

let sourcePath: string;
beforeAll(() => {
  sourcePath = join(temporaryFolder(), 'pairs.csv');
  writePairsCsv(sourcePath, numberedPairs(PAIRS));
});

function runChild(cachePath: string, killAfter: number): { signal: string | null; stdout: string } {
  const args = [CHILD, cachePath, sourcePath, String(killAfter), '2'];
  const { signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  return { signal, stdout };
}

describe('the moments that are chosen', () => {
  test('are all that there are', () => {
    const cachePath = join(temporaryFolder(), 'cache.db');
    expect(runChild(cachePath, 0)).toEqual({ signal: null, stdout: `${ALL_WRITES}\n` });
  });
});

describe.each([
  ['the first block', 1],
  ['the middle of reading', 13],
  ['the last block read', 24],
  ['the first block in its split', 25],
  ['the middle of splitting', 37],
  ['the last transaction, before the data set', IMPORT_WRITES - 1],
  ['the last transaction, all written but not committed', IMPORT_WRITES],
])('killed after %s', (_what, killAfter) => {
  test('nothing is there, and the import works again', async () => {
    const cachePath = join(temporaryFolder(), 'cache.db');
    expect(runChild(cachePath, killAfter).signal).toBe('SIGKILL');
    const cache = openCache(cachePath);
    expect(cache.notice).toBeNull();
    expect(cache.database.pragma('integrity_check', { simple: true })).toBe('ok');
    for (const table of ['datasets', 'example_blocks', 'word_counts']) {
      expect(cache.database.prepare(`SELECT count(*) FROM ${table}`).pluck().get(), table).toBe(0);
    }
    const dataset = await importDataset(cache, { path: sourcePath, name: 'pairs' });
    expect(dataset.rows).toEqual(SPLITS);
    cache.close();
  });
});

describe.each([
  ['its row', IMPORT_WRITES + 1],
  ['the first chunk', IMPORT_WRITES + 2],
  ['the last chunk', IMPORT_WRITES + 3],
  ['its completion, not committed', IMPORT_WRITES + 4],
])('killed after a token cache had %s', (_what, killAfter) => {
  test('the data set is whole, the token cache is gone, and encoding works again', async () => {
    const cachePath = join(temporaryFolder(), 'cache.db');
    expect(runChild(cachePath, killAfter).signal).toBe('SIGKILL');
    const cache = openCache(cachePath);
    expect(cache.database.pragma('integrity_check', { simple: true })).toBe('ok');
    expect(tokenCacheSize(cache)).toEqual({ caches: 0, sizeBytes: 0 });
    expect(cache.database.prepare('SELECT count(*) FROM token_chunks').pluck().get()).toBe(0);
    const dataset = findDataset(cache, 'pairs')!;
    expect(dataset.rows).toEqual(SPLITS);
    expect(examples(cache, dataset.id, 'train', { from: 9590, count: 100 })).toHaveLength(10);
    const tokenizer = new WordsTokenizer(vocabularyOf(cache, dataset.id, 1));
    const settings = { maxLen: 64, truncation: 'longer-first', workers: 0 } as const;
    const encoded = await encodeSplit(cache, { dataset, split: 'train', tokenizer, ...settings });
    expect(encoded.pairs).toBe(SPLITS.train);
    expect(tokenCacheSize(cache).caches).toBe(1);
    cache.close();
  });
});
