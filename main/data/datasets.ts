/** @file Runs anywhere under Node. The data sets of cache.db: list, find, read, delete. */
import { z } from 'zod';
import { type Dataset, type Example, SPLITS, type Split } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import { type Cache, deleteAndShrink, lockCache } from './cache.ts';
import { corruptCache } from './cacheErrors.ts';
import { readExamples } from './exampleBlocks.ts';

const MAX_NAME_LENGTH = 100;
const MAX_EXAMPLES = 10_000;

const rowSchema = z.object({
  id: z.number(),
  name: z.string(),
  labels: z.string(),
  sentences_per_example: z.union([z.literal(1), z.literal(2)]),
  train_rows: z.number(),
  dev_rows: z.number(),
  test_rows: z.number(),
  content_hash: z.string(),
  source: z.string(),
  reader_version: z.number(),
  imported_at: z.string(),
  report: z.string(),
});

/** @throws StudioError USAGE for a name that cannot be typed or shown. */
export function checkDatasetName(name: string): void {
  const fine =
    name.trim() === name && name.length > 0 && name.length <= MAX_NAME_LENGTH && !/\p{C}/u.test(name);
  if (fine) return;
  throw new StudioError('USAGE', `${JSON.stringify(name)} cannot be the name of a data set.`, {
    nextStep: `Use 1 to ${MAX_NAME_LENGTH} characters, without spaces at the ends or control characters.`,
  });
}

/** That a name is in use, and what to do. */
export function nameTaken(name: string): StudioError {
  const word = /^[\w.-]+$/.test(name) ? name : JSON.stringify(name);
  return new StudioError('ALREADY_EXISTS', `There is a data set called ${JSON.stringify(name)} already.`, {
    nextStep: `Choose another name, or delete it first: npx --no entail datasets delete ${word}`,
  });
}

/** By name. */
export function listDatasets(cache: Cache): Dataset[] {
  const rows = cache.guard(() =>
    cache.database.prepare('SELECT * FROM datasets WHERE complete = 1 ORDER BY name').all(),
  );
  return rows.map((row) => datasetOfRow(cache, row));
}

export function findDataset(cache: Cache, name: string): Dataset | null {
  const row = cache.guard(() =>
    cache.database.prepare('SELECT * FROM datasets WHERE complete = 1 AND name = ?').get(name),
  );
  return row === undefined ? null : datasetOfRow(cache, row);
}

/** As `findDataset`. @throws StudioError NOT_FOUND, telling which data sets there are. */
export function requireDataset(cache: Cache, name: string): Dataset {
  const dataset = findDataset(cache, name);
  if (dataset !== null) return dataset;
  const names = cache.guard(() =>
    cache.database
      .prepare('SELECT name FROM datasets WHERE complete = 1 ORDER BY name LIMIT 20')
      .pluck()
      .all(),
  ) as string[];
  throw new StudioError('NOT_FOUND', `There is no data set called ${JSON.stringify(name)}.`, {
    nextStep:
      names.length === 0
        ? 'Import one first: npx --no entail datasets import PATH --name NAME'
        : `There are: ${names.join(', ')}.`,
  });
}

/** Different whenever a data set is new, gone or another one, or takes up more or less room. */
export function datasetsStamp(cache: Cache): string {
  return cache.guard(() => {
    const { database } = cache;
    const datasets = database.prepare(
      'SELECT id, name, content_hash, imported_at, size_bytes FROM datasets WHERE complete = 1 ORDER BY id',
    );
    const tokens = database.prepare(
      'SELECT content_hash, sum(size_bytes) FROM token_caches WHERE complete = 1 GROUP BY content_hash',
    );
    return JSON.stringify([datasets.raw().all(), tokens.raw().all()]);
  });
}

/** A page of examples, in the order of the file; fewer than `count` at the end, at most 10,000. */
export function examples(
  cache: Cache,
  datasetId: number,
  split: Split,
  { from, count }: { from: number; count: number },
): Example[] {
  return readExamples(cache, datasetId, split, { from, count: Math.min(count, MAX_EXAMPLES) });
}

/** Bytes that deleting the data set would free, its token caches included. @throws StudioError NOT_FOUND. */
export function datasetSize(cache: Cache, name: string): { exampleBytes: number; tokenCacheBytes: number } {
  const dataset = requireDataset(cache, name);
  return cache.guard(() => ({
    exampleBytes: cache.database
      .prepare('SELECT size_bytes FROM datasets WHERE id = ?')
      .pluck()
      .get(dataset.id) as number,
    tokenCacheBytes: isShared(cache, dataset)
      ? 0
      : (cache.database
          .prepare(
            'SELECT coalesce(sum(size_bytes), 0) FROM token_caches WHERE complete = 1 AND content_hash = ?',
          )
          .pluck()
          .get(dataset.contentHash) as number),
  }));
}

/**
 * Deletes a data set and its token caches, and gives their space back to the file system.
 * @throws StudioError NOT_FOUND, LOCKED.
 */
export function deleteDataset(cache: Cache, name: string): void {
  const lock = lockCache(cache, `deleting the data set ${JSON.stringify(name)}`);
  try {
    const dataset = requireDataset(cache, name);
    deleteAndShrink(cache, () => {
      if (!isShared(cache, dataset)) {
        cache.database.prepare('DELETE FROM token_caches WHERE content_hash = ?').run(dataset.contentHash);
      }
      cache.database.prepare('DELETE FROM datasets WHERE id = ?').run(dataset.id);
    });
  } finally {
    lock.release();
  }
}

/** True when another data set holds the same examples: token caches belong to the content, not to the name. */
function isShared(cache: Cache, dataset: Dataset): boolean {
  const others = 'SELECT count(*) FROM datasets WHERE complete = 1 AND content_hash = ? AND id <> ?';
  return cache.database.prepare(others).pluck().get(dataset.contentHash, dataset.id) !== 0;
}

function datasetOfRow(cache: Cache, value: unknown): Dataset {
  const parsed = rowSchema.safeParse(value);
  if (!parsed.success) throw corruptCache(cache.path, 'the list of data sets cannot be read', parsed.error);
  const row = parsed.data;
  const rows = [row.train_rows, row.dev_rows, row.test_rows];
  try {
    return {
      id: row.id,
      name: row.name,
      labels: JSON.parse(row.labels),
      sentencesPerExample: row.sentences_per_example,
      rows: Object.fromEntries(SPLITS.map((split, at) => [split, rows[at] ?? 0])) as Record<Split, number>,
      contentHash: row.content_hash,
      source: row.source,
      readerVersion: row.reader_version,
      importedAt: row.imported_at,
      report: JSON.parse(row.report),
    };
  } catch (cause) {
    throw corruptCache(cache.path, `what is noted about the data set ${row.name} cannot be read`, cause);
  }
}
