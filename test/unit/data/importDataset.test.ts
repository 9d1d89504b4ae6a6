/** @file Tests. Importing: what becomes of each row, what the report says, and that a failed import leaves nothing. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Cache, openCache } from '../../../main/data/cache.ts';
import { examples, findDataset, listDatasets, requireDataset } from '../../../main/data/datasets.ts';
import { type ImportProgress, importDataset } from '../../../main/data/importDataset.ts';
import { TooManyBadRows } from '../../../main/data/tooManyBadRows.ts';
import { vocabularyOf } from '../../../main/data/vocabulary.ts';
import { readWordCounts } from '../../../main/data/wordCounts.ts';
import { SNLI_LABELS } from '../../../shared/datasets.ts';
import { numberedPairs, writePairsCsv } from '../../support/pairsCsv.ts';
import { missingShared, sharedPath } from '../../support/sharedData.ts';
import { studioErrorOf, studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

function newCache(): { cache: Cache; folder: string } {
  const folder = temporaryFolder();
  const cache = openCache(join(folder, 'cache.db'));
  onTestFinished(() => cache.close());
  return { cache, folder };
}

const rowsOf = (cache: Cache, table: string): unknown =>
  cache.database.prepare(`SELECT count(*) FROM ${table}`).pluck().get();

/** Nothing of any import is there, seen or unseen. */
function expectEmpty(cache: Cache): void {
  expect(listDatasets(cache)).toEqual([]);
  for (const table of ['datasets', 'example_blocks', 'word_counts'])
    expect(rowsOf(cache, table), table).toBe(0);
}

describe('a file with splits', () => {
  test('keeps them, in the order of the file', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    const splits = ['train', 'train', 'dev', 'test', 'train'];
    writePairsCsv(
      path,
      numberedPairs(1500).map((pair, at) => ({ ...pair, split: splits[at % 5]! })),
    );
    const dataset = await importDataset(cache, { path, name: 'pairs' });
    expect(dataset.rows).toEqual({ train: 900, dev: 300, test: 300 });
    expect(dataset.report.madeSplits).toBeNull();
    expect(dataset.source).toBe(path);
    expect(listDatasets(cache)).toEqual([dataset]);
    // Train holds rows 0, 1, 4, 5, 6, 9 …: index 511 and 512 stand in two blocks.
    const trainRow = (index: number): number => Math.floor(index / 3) * 5 + [0, 1, 4][index % 3]!;
    for (const index of [0, 511, 512, 899]) {
      const [example] = examples(cache, dataset.id, 'train', { from: index, count: 1 });
      expect(example).toMatchObject({ split: 'train', index });
      expect(example!.premise.raw).toBe(`Person ${trainRow(index)} rides a horse.`);
      expect(example!.premise.tokens).toBe(`Person ${trainRow(index)} rides a horse .`);
      const label = numberedPairs(1500)[trainRow(index)]!.label;
      expect(dataset.labels[example!.label]).toBe(label);
    }
    const page = examples(cache, dataset.id, 'train', { from: 500, count: 30 });
    expect(page.map((example) => example.index)).toEqual(Array.from({ length: 30 }, (_, at) => 500 + at));
    expect(examples(cache, dataset.id, 'train', { from: 890, count: 30 })).toHaveLength(10);
    expect(examples(cache, dataset.id, 'train', { from: 900, count: 30 })).toEqual([]);
  });

  test('a row that names no split among rows that do is rejected, with its line', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    const pairs = numberedPairs(10).map((pair, at) => ({ ...pair, split: at === 6 ? '' : 'train' }));
    writePairsCsv(path, pairs);
    const dataset = await importDataset(cache, { path, name: 'pairs' });
    expect(dataset.rows.train).toBe(9);
    expect(dataset.report.rejected).toHaveLength(1);
    expect(dataset.report.rejected[0]).toMatchObject({ count: 1, first: [{ line: 8 }] });
    expect(cache.database.prepare('SELECT count(*) FROM example_blocks WHERE split = 3').pluck().get()).toBe(
      0,
    );
  });
});

describe('a file of test rows only', () => {
  test('is a data set without a vocabulary of its own, and says so', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    writePairsCsv(
      path,
      numberedPairs(30).map((pair) => ({ ...pair, split: 'test' })),
    );
    const dataset = await importDataset(cache, { path, name: 'test' });
    expect(dataset.rows).toEqual({ train: 0, dev: 0, test: 30 });
    expect(dataset.report.madeSplits).toBeNull();
    expect(dataset.report.unknownTokenShare).toEqual({ minFrequency: 2, vocabularySize: 0, dev: 0, test: 0 });
    expect(studioErrorOf(() => vocabularyOf(cache, dataset.id, 2))).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a file without splits', () => {
  test('has no pair in two of the splits that are made', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    writePairsCsv(path, [...numberedPairs(300), ...numberedPairs(300)]);
    const { report, rows } = await importDataset(cache, { path, name: 'pairs' });
    expect(report.acrossSplits).toEqual([]);
    expect(report.duplicateRows).toBe(300);
    expect(rows).toEqual({ train: 480, dev: 60, test: 60 });
  });

  test('gets a stratified 80/10/10 split that the seed decides', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    writePairsCsv(path, numberedPairs(1500));
    const first = await importDataset(cache, { path, name: 'a', splitSeed: 7 });
    const same = await importDataset(cache, { path, name: 'b', splitSeed: 7 });
    const other = await importDataset(cache, { path, name: 'c', splitSeed: 8 });
    expect(first.rows).toEqual({ train: 1200, dev: 150, test: 150 });
    for (const split of first.report.splits) expect(new Set(split.labelCounts).size).toBe(1);
    expect(first.report.madeSplits).toEqual({ seed: 7, shares: [0.8, 0.1, 0.1] });
    expect(same.contentHash).toBe(first.contentHash);
    expect(other.contentHash).not.toBe(first.contentHash);
    const all = (['train', 'dev', 'test'] as const).flatMap((split) =>
      examples(cache, first.id, split, { from: 0, count: 2000 }).map((example) => example.premise.raw),
    );
    expect(new Set(all).size).toBe(1500);
    expect(cache.database.prepare('SELECT count(*) FROM example_blocks WHERE split = 3').pluck().get()).toBe(
      0,
    );
  });
});

describe('the report', () => {
  test('counts duplicates, pairs across splits, lengths and unknown tokens', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    const pair = (text: string, split: string) => ({ premise: text, hypothesis: 'b b', label: 'yes', split });
    writePairsCsv(path, [
      { premise: 'a a', hypothesis: 'b b', label: 'no', split: 'train' },
      pair('a a', 'train'),
      pair('a a', 'train'),
      pair('a a', 'dev'),
      pair('c', 'dev'),
      pair('a a', 'test'),
      pair(`${'z '.repeat(600)}`, 'test'),
    ]);
    const { report } = await importDataset(cache, { path, name: 'pairs', minFrequency: 2 });
    expect(report.duplicateRows).toBe(2);
    expect(report.acrossSplits).toEqual([
      { splits: ['train', 'dev'], pairs: 1 },
      { splits: ['train', 'test'], pairs: 1 },
      { splits: ['dev', 'test'], pairs: 1 },
    ]);
    const seven = report.lengthHistogram.find(({ from }) => from === 1);
    expect(seven).toEqual({ from: 1, to: 8, pairs: 6 });
    expect(report.lengthHistogram.at(-1)).toEqual({ from: 513, to: null, pairs: 1 });
    expect(report.lengthQuantiles).toEqual({ median: 7, p95: 605, p99: 605, max: 605 });
    expect(report.unknownTokenShare).toEqual({
      minFrequency: 2,
      vocabularySize: 7,
      dev: 1 / 7,
      test: 600 / 606,
    });
    expect(report.mapping).toMatchObject({ format: 'csv', premise: 'premise', guessed: true });
  });

  test('words that JavaScript objects know are ordinary words', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    const odd = { premise: '__proto__ constructor', hypothesis: '__proto__', split: 'train' };
    writePairsCsv(path, [
      { ...odd, label: 'toString' },
      { ...odd, label: '__proto__' },
    ]);
    const dataset = await importDataset(cache, { path, name: '__proto__' });
    expect([...dataset.labels].sort()).toEqual(['__proto__', 'toString']);
    expect(readWordCounts(cache, dataset.id, 'train')).toEqual(
      new Map([
        ['__proto__', 4],
        ['constructor', 2],
      ]),
    );
    expect(vocabularyOf(cache, dataset.id, 3).has('__proto__')).toBe(true);
    expect(vocabularyOf(cache, dataset.id, 3).has('constructor')).toBe(false);
  });
});

describe('unreadable rows', () => {
  const withBad = (good: number, bad: number): string => {
    const lines = numberedPairs(good).map((pair) => `${pair.premise},${pair.hypothesis},${pair.label},train`);
    lines.splice(Math.floor(good / 2), 0, ...Array.from({ length: bad }, () => 'only one column'));
    return `premise,hypothesis,label,split\n${lines.join('\n')}\n`;
  };

  test('more than 5 % of a thousand stop the import, with the report so far and no trace', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    writeFileSync(path, withBad(1500, 150));
    const error = await studioRejectionOf(importDataset(cache, { path, name: 'bad' }));
    expect(error).toBeInstanceOf(TooManyBadRows);
    expect(error).toMatchObject({ code: 'TOO_MANY_BAD_ROWS', place: { line: 752 } });
    const { report } = error as TooManyBadRows;
    expect(report.rejected[0]).toMatchObject({ count: 150 });
    expect(report.rejected[0]!.first[0]).toMatchObject({ line: 752 });
    expect(report.splits[0]!.rows).toBe(850);
    expectEmpty(cache);
  });

  test('up to 5 % do not', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    writeFileSync(path, withBad(1900, 40));
    const { report } = await importDataset(cache, { path, name: 'fine' });
    expect(report.rejected[0]).toMatchObject({ count: 40 });
  });

  test('in a file of less than a thousand rows they are reported, whatever their share', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    writeFileSync(path, withBad(10, 90));
    const { report, rows } = await importDataset(cache, { path, name: 'small' });
    expect(rows.train).toBe(10);
    expect(report.rejected[0]).toMatchObject({ count: 90 });
  });

  test('a file with no good row is refused', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    writeFileSync(path, withBad(0, 9));
    const error = await studioRejectionOf(
      importDataset(cache, { path, name: 'none', mapping: { labels: { a: 'a', b: 'b' } } }),
    );
    expect(error).toHaveProperty('code');
    expectEmpty(cache);
  });
});

describe('a failed import', () => {
  test('a name that is taken, or cannot be typed, is refused before anything is read', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    writePairsCsv(path, numberedPairs(20));
    await importDataset(cache, { path, name: 'pairs' });
    const taken = await studioRejectionOf(importDataset(cache, { path: '/nowhere', name: 'pairs' }));
    expect(taken).toMatchObject({ code: 'ALREADY_EXISTS' });
    for (const name of ['', ' a', 'a\n', 'x'.repeat(101)]) {
      expect(await studioRejectionOf(importDataset(cache, { path, name })), name).toMatchObject({
        code: 'USAGE',
      });
    }
    expect(studioErrorOf(() => requireDataset(cache, 'pears'))).toMatchObject({
      code: 'NOT_FOUND',
      nextStep: 'There are: pairs.',
    });
  });

  test('a path that is not there leaves nothing', async () => {
    const { cache, folder } = newCache();
    const error = await studioRejectionOf(
      importDataset(cache, { path: join(folder, 'nothing.csv'), name: 'x' }),
    );
    expect(error).toHaveProperty('code');
    expectEmpty(cache);
    expect(existsSync(join(folder, 'nothing.csv'))).toBe(false);
  });

  test('one that is cancelled leaves nothing, says so, and can be run again', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    writePairsCsv(path, numberedPairs(30_000));
    const controller = new AbortController();
    const seen: ImportProgress[] = [];
    const onProgress = (progress: ImportProgress): void => {
      seen.push(progress);
      controller.abort();
    };
    const options = { path, name: 'pairs', onProgress };
    const error = await studioRejectionOf(importDataset(cache, { ...options, signal: controller.signal }));
    expect(error).toMatchObject({ code: 'CANCELLED' });
    expect(seen[0]!.rowsRead).toBeGreaterThan(0);
    expect(seen[0]!.rowsRead).toBeLessThan(30_000);
    expect(seen[0]!.fraction).toBeGreaterThan(0);
    expectEmpty(cache);
    const dataset = await importDataset(cache, options);
    expect(dataset.rows.train).toBe(24_000);
    expect(seen.at(-1)).toMatchObject({ phase: 'finishing', rowsRead: 30_000, fraction: 1, etaSeconds: 0 });
    const before = await studioRejectionOf(
      importDataset(cache, { path, name: 'again', signal: AbortSignal.abort() }),
    );
    expect(before).toMatchObject({ code: 'CANCELLED' });
  });

  test('while it runs nobody sees any of it, and it removes what a failed one could not', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    writePairsCsv(path, numberedPairs(3000));
    cache.database.prepare("INSERT INTO datasets (name) VALUES ('left by a failed import')").run();
    let looked = 0;
    const onProgress = (): void => {
      looked += 1;
      const reader = openCache(cache.path, { readOnly: true });
      for (const one of [cache, reader]) {
        expect(listDatasets(one)).toEqual([]);
        expect(findDataset(one, 'pairs')).toBeNull();
        expect(rowsOf(one, 'datasets')).toBe(1);
      }
      reader.close();
    };
    await importDataset(cache, { path, name: 'pairs', onProgress });
    expect(looked).toBeGreaterThan(0);
    expect(rowsOf(cache, 'datasets')).toBe(1);
    expect(listDatasets(cache)).toHaveLength(1);
  });

  test('a second one at the same time is told who imports', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    writePairsCsv(path, numberedPairs(2000));
    const [, error] = await Promise.all([
      importDataset(cache, { path, name: 'first' }),
      studioRejectionOf(importDataset(cache, { path, name: 'second' })),
    ]);
    expect(error).toMatchObject({ code: 'LOCKED' });
    expect(error.message).toContain(`process ${process.pid} (importing the data set "first")`);
    await importDataset(cache, { path, name: 'second' });
    expect(listDatasets(cache).map(({ name }) => name)).toEqual(['first', 'second']);
  });

  test('on a full disk it leaves nothing, and works once there is room', async () => {
    const { cache, folder } = newCache();
    const path = join(folder, 'pairs.csv');
    writePairsCsv(path, numberedPairs(6000));
    const pages = cache.database.pragma('page_count', { simple: true }) as number;
    cache.database.pragma(`max_page_count = ${pages + 20}`);
    expect(await studioRejectionOf(importDataset(cache, { path, name: 'pairs' }))).toMatchObject({
      code: 'DISK_FULL',
    });
    expectEmpty(cache);
    cache.database.pragma('max_page_count = 1000000');
    await importDataset(cache, { path, name: 'pairs' });
    expect(findDataset(cache, 'pairs')?.rows.train).toBe(4800);
  });
});

const missing = missingShared('data', 'snli_1.0');
describe.skipIf(missing !== null)(`real SNLI${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  test('has the figures that are known of it', async () => {
    const { cache } = newCache();
    const dataset = await importDataset(cache, { path: sharedPath('data', 'snli_1.0'), name: 'snli' });
    expect(dataset.labels).toEqual(SNLI_LABELS);
    expect(dataset.rows).toEqual({ train: 21_601, dev: 9842, test: 9824 });
    expect(dataset.report.splits[2]).toEqual({ split: 'test', rows: 9824, labelCounts: [3368, 3237, 3219] });
    expect(dataset.report.lengthQuantiles).toEqual({ median: 24, p95: 40, p99: 49, max: 113 });
    expect(dataset.report.rejected).toEqual([]);
    const vocabulary = vocabularyOf(cache, dataset.id, 2);
    expect(vocabulary.size).toBe(7184);
    expect(vocabulary.tokens.slice(0, 2)).toEqual(['!', '#']);
    expect(dataset.report.unknownTokenShare).toMatchObject({ minFrequency: 2, vocabularySize: 7184 });
  });
});
