/** @file Runs anywhere under Node. How often each lower-cased word occurs in a split: kept at import, so that a vocabulary is quick to build. */
import { SPLITS, type Split } from '../../shared/datasets.ts';
import type { Cache } from './cacheConnection.ts';
import { int32OfBlob, int32ToBlob } from './int32Blob.ts';

/** Stores the counts of one split: the words as a JSON array, their counts as little-endian Int32. Returns its bytes. */
export function storeWordCounts(
  cache: Cache,
  datasetId: number,
  split: Split,
  counts: ReadonlyMap<string, number>,
): number {
  const words = JSON.stringify([...counts.keys()]);
  const numbers = int32ToBlob(Int32Array.from(counts.values()));
  cache.guard(() =>
    cache.database
      .prepare('INSERT INTO word_counts (dataset_id, split, words, counts) VALUES (?, ?, ?, ?)')
      .run(datasetId, SPLITS.indexOf(split), words, numbers),
  );
  return Buffer.byteLength(words) + numbers.byteLength;
}

/** Null when the data set does not have that split. */
export function readWordCounts(cache: Cache, datasetId: number, split: Split): Map<string, number> | null {
  const row = cache.guard(() =>
    cache.database
      .prepare('SELECT words, counts FROM word_counts WHERE dataset_id = ? AND split = ?')
      .get(datasetId, SPLITS.indexOf(split)),
  ) as { words: string; counts: Buffer } | undefined;
  if (row === undefined) return null;
  const words = JSON.parse(row.words) as string[];
  const numbers = int32OfBlob(row.counts);
  return new Map(words.map((word, at) => [word, numbers[at] ?? 0]));
}
