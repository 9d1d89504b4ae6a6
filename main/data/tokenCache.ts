/** @file Runs anywhere under Node. Token caches in cache.db: a split as ids, for one tokenizer and one way of packing. */
import { crc32 } from 'node:zlib';
import { SPLITS, type Split } from '../../shared/datasets.ts';
import { type Cache, deleteAndShrink, lockCache, removeIncomplete } from './cache.ts';
import { ENCODING_VERSION, type EncodedSplit } from './encoding.ts';
import { freeArrays, int32OfBlob, int32ToBlob } from './int32Blob.ts';
import { dropSpaceReserve, makeSpaceReserve } from './spaceReserve.ts';
import type { EncodingSettings } from './truncation.ts';

/** What decides the ids. */
export interface TokenCacheKey extends EncodingSettings {
  readonly contentHash: string;
  readonly split: Split;
  /** Of the tokenizer: its vocabulary and rules. */
  readonly vocabularyHash: string;
  readonly readerVersion: number;
}

/** Consecutive pairs of a split as ids; lengths and segmentStarts are per pair. */
export interface EncodedChunk {
  /** Index in the split of the chunk's first pair. */
  readonly firstPair: number;
  readonly ids: Int32Array;
  readonly lengths: Int32Array;
  readonly segmentStarts: Int32Array;
  readonly labels: Int32Array;
  readonly truncatedPairs: number;
}

/** Where chunks go, in any order, until the split is complete. */
export interface ChunkSink {
  /** Takes the chunk's arrays over: they may be empty afterwards. */
  add(chunk: EncodedChunk): void;
  /** The whole split. */
  finish(): EncodedSplit;
  /** Forgets all chunks. */
  discard(): void;
}

/** Keeps chunks in memory, where nothing can be stored: the cache is open for reading, or another process writes to it. */
export function memorySink(): ChunkSink {
  const chunks: EncodedChunk[] = [];
  return {
    add: (chunk) => {
      chunks.push(chunk);
    },
    finish: () => {
      chunks.sort((left, right) => left.firstPair - right.firstPair);
      const pairs = chunks.reduce((sum, chunk) => sum + chunk.lengths.length, 0);
      const tokens = chunks.reduce((sum, chunk) => sum + chunk.ids.length, 0);
      return assembleChunks(chunks, { pairs, tokens });
    },
    discard: () => {
      chunks.length = 0;
    },
  };
}

/** Stores each chunk as it comes; the token cache is there for others once `finish` has run. The caller holds the lock. */
export function storingSink(cache: Cache, key: TokenCacheKey): ChunkSink {
  removeIncomplete(cache);
  makeSpaceReserve(cache.path);
  const cacheId = cache.guard(() => insertTokenCache(cache, key));
  const insert = cache.guard(() =>
    cache.database.prepare('INSERT INTO token_chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
  );
  const total = { pairs: 0, tokens: 0, truncatedPairs: 0, sizeBytes: 0 };
  return {
    add: (chunk) => {
      const blobs = [chunk.ids, chunk.lengths, chunk.segmentStarts, chunk.labels].map(int32ToBlob);
      cache.guard(() =>
        insert.run(cacheId, chunk.firstPair, ...blobs, chunk.truncatedPairs, checksum(blobs)),
      );
      total.pairs += chunk.lengths.length;
      total.tokens += chunk.ids.length;
      total.truncatedPairs += chunk.truncatedPairs;
      total.sizeBytes += blobs.reduce((sum, blob) => sum + blob.byteLength, 0);
      freeChunk(chunk);
    },
    finish: () => {
      dropSpaceReserve(cache.path);
      const complete =
        'UPDATE token_caches SET complete = 1, pairs = ?, tokens = ?, truncated_pairs = ?, size_bytes = ? WHERE id = ?';
      cache.guard(() =>
        cache.database
          .prepare(complete)
          .run(total.pairs, total.tokens, total.truncatedPairs, total.sizeBytes, cacheId),
      );
      const stored = loadTokenCache(cache, key);
      if (stored === null) throw new Error('the token cache that was just stored cannot be read');
      return stored;
    },
    discard: () => removeIncomplete(cache),
  };
}

/** The split as it was stored; null when it was not, or when what is stored is damaged and must be encoded anew. */
export function loadTokenCache(cache: Cache, key: TokenCacheKey): EncodedSplit | null {
  return cache.guard(() => {
    const found = findTokenCache(cache, key);
    if (found === undefined) return null;
    const rows = cache.database
      .prepare<[number], ChunkRow>('SELECT * FROM token_chunks WHERE cache_id = ? ORDER BY first_pair')
      .iterate(found.id);
    try {
      return assembleChunks(checkedChunks(rows), found);
    } catch (thrown) {
      if (thrown instanceof DamagedChunk) return null;
      throw thrown;
    }
  });
}

/** Deletes the token cache of a key, if there is one. The caller holds the lock. */
export function dropTokenCache(cache: Cache, key: TokenCacheKey): void {
  cache.write(() => {
    const found = findTokenCache(cache, key);
    if (found !== undefined) cache.database.prepare('DELETE FROM token_caches WHERE id = ?').run(found.id);
  });
}

/** Number and bytes of the token caches: what `clearTokenCaches` would free. */
export function tokenCacheSize(cache: Cache): { caches: number; sizeBytes: number } {
  const sql =
    'SELECT count(*) AS caches, coalesce(sum(size_bytes), 0) AS sizeBytes FROM token_caches WHERE complete = 1';
  return cache.guard(() => cache.database.prepare(sql).get()) as { caches: number; sizeBytes: number };
}

/** Deletes every token cache and gives the space back; they are made again when needed. @throws StudioError LOCKED. */
export function clearTokenCaches(cache: Cache): void {
  const lock = lockCache(cache, 'clearing the token caches');
  try {
    deleteAndShrink(cache, () => cache.database.prepare('DELETE FROM token_caches').run());
  } finally {
    lock.release();
  }
}

interface FoundTokenCache {
  readonly id: number;
  readonly pairs: number;
  readonly tokens: number;
}

interface ChunkRow {
  readonly first_pair: number;
  readonly ids: Buffer;
  readonly lengths: Buffer;
  readonly segment_starts: Buffer;
  readonly labels: Buffer;
  readonly truncated_pairs: number;
  readonly crc32: number;
}

class DamagedChunk extends Error {}

function keyValues(key: TokenCacheKey): (string | number)[] {
  return [
    key.contentHash,
    SPLITS.indexOf(key.split),
    key.vocabularyHash,
    key.maxLen,
    key.truncation,
    key.readerVersion,
    ENCODING_VERSION,
  ];
}

function findTokenCache(cache: Cache, key: TokenCacheKey): FoundTokenCache | undefined {
  const where =
    'content_hash = ? AND split = ? AND vocabulary_hash = ? AND max_len = ? AND truncation = ? AND reader_version = ? AND encoding_version = ?';
  return cache.database
    .prepare<unknown[], FoundTokenCache>(
      `SELECT id, pairs, tokens FROM token_caches WHERE complete = 1 AND ${where}`,
    )
    .get(...keyValues(key));
}

function insertTokenCache(cache: Cache, key: TokenCacheKey): number {
  const columns =
    'content_hash, split, vocabulary_hash, max_len, truncation, reader_version, encoding_version, created_at';
  const result = cache.database
    .prepare(`INSERT INTO token_caches (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
    .run(...keyValues(key), new Date().toISOString());
  return Number(result.lastInsertRowid);
}

function checksum(blobs: readonly Uint8Array[]): number {
  return blobs.reduce((sum, blob) => crc32(blob, sum), 0);
}

/** SQLite does not notice a flipped bit inside a BLOB, and an id that is no row of the embedding would crash an engine. */
function* checkedChunks(rows: Iterable<ChunkRow>): Generator<EncodedChunk> {
  for (const row of rows) {
    const blobs = [row.ids, row.lengths, row.segment_starts, row.labels];
    if (checksum(blobs) !== row.crc32) throw new DamagedChunk();
    yield {
      firstPair: row.first_pair,
      ids: int32OfBlob(row.ids),
      lengths: int32OfBlob(row.lengths),
      segmentStarts: int32OfBlob(row.segment_starts),
      labels: int32OfBlob(row.labels),
      truncatedPairs: row.truncated_pairs,
    };
  }
}

function freeChunk(chunk: EncodedChunk): void {
  freeArrays([chunk.ids, chunk.lengths, chunk.segmentStarts, chunk.labels]);
}

/** Puts chunks, in order, one after another, and frees each. @throws DamagedChunk when they are not the whole split. */
function assembleChunks(
  chunks: Iterable<EncodedChunk>,
  size: { pairs: number; tokens: number },
): EncodedSplit {
  const ids = new Int32Array(size.tokens);
  const offsets = new Int32Array(size.pairs + 1);
  const segmentStarts = new Int32Array(size.pairs);
  const labels = new Int32Array(size.pairs);
  let pair = 0;
  let truncatedPairs = 0;
  for (const chunk of chunks) {
    const fits =
      pair + chunk.lengths.length <= size.pairs && offsets[pair]! + chunk.ids.length <= size.tokens;
    if (chunk.firstPair !== pair || !fits) throw new DamagedChunk();
    ids.set(chunk.ids, offsets[pair]!);
    segmentStarts.set(chunk.segmentStarts, pair);
    labels.set(chunk.labels, pair);
    for (const length of chunk.lengths) {
      offsets[pair + 1] = offsets[pair]! + length;
      pair += 1;
    }
    truncatedPairs += chunk.truncatedPairs;
    freeChunk(chunk);
  }
  if (pair !== size.pairs || offsets[pair] !== size.tokens) throw new DamagedChunk();
  return { pairs: size.pairs, ids, offsets, segmentStarts, labels, truncatedPairs };
}
