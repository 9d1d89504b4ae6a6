/** @file Runs anywhere under Node. The tables of cache.db; docs/cache-database.md explains them. */

/** "Enta": marks the file as ours, whatever its name. */
export const CACHE_APPLICATION_ID = 0x456e7461;

/** Raise it with any change of the tables. An older file is set aside and rebuilt, a newer one is refused. */
export const CACHE_VERSION = 1;

/** Large pages, for the rows are large: a block of examples is some hundred kilobytes. */
export const CACHE_PAGE_BYTES = 16384;

export const CACHE_SCHEMA = `
CREATE TABLE datasets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1)),
  labels TEXT NOT NULL DEFAULT '[]',
  sentences_per_example INTEGER NOT NULL DEFAULT 2 CHECK (sentences_per_example IN (1, 2)),
  train_rows INTEGER NOT NULL DEFAULT 0,
  dev_rows INTEGER NOT NULL DEFAULT 0,
  test_rows INTEGER NOT NULL DEFAULT 0,
  content_hash TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL DEFAULT '',
  reader_version INTEGER NOT NULL DEFAULT 0,
  imported_at TEXT NOT NULL DEFAULT '',
  size_bytes INTEGER NOT NULL DEFAULT 0,
  report TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE UNIQUE INDEX datasets_by_name ON datasets (name) WHERE complete = 1;

CREATE TABLE example_blocks (
  dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  split INTEGER NOT NULL CHECK (split BETWEEN 0 AND 3),
  block INTEGER NOT NULL,
  labels BLOB NOT NULL,
  premise_tokens TEXT NOT NULL,
  hypothesis_tokens TEXT,
  premise_raw TEXT NOT NULL,
  hypothesis_raw TEXT,
  crc32 INTEGER NOT NULL,
  PRIMARY KEY (dataset_id, split, block)
) STRICT;

CREATE TABLE word_counts (
  dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  split INTEGER NOT NULL CHECK (split BETWEEN 0 AND 2),
  words TEXT NOT NULL,
  counts BLOB NOT NULL,
  PRIMARY KEY (dataset_id, split)
) STRICT;

CREATE TABLE token_caches (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  complete INTEGER NOT NULL DEFAULT 0 CHECK (complete IN (0, 1)),
  content_hash TEXT NOT NULL,
  split INTEGER NOT NULL CHECK (split BETWEEN 0 AND 2),
  vocabulary_hash TEXT NOT NULL,
  max_len INTEGER NOT NULL,
  truncation TEXT NOT NULL,
  reader_version INTEGER NOT NULL,
  encoding_version INTEGER NOT NULL,
  pairs INTEGER NOT NULL DEFAULT 0,
  tokens INTEGER NOT NULL DEFAULT 0,
  truncated_pairs INTEGER NOT NULL DEFAULT 0,
  size_bytes INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX token_caches_by_key ON token_caches
  (content_hash, split, vocabulary_hash, max_len, truncation, reader_version, encoding_version)
  WHERE complete = 1;

CREATE TABLE token_chunks (
  cache_id INTEGER NOT NULL REFERENCES token_caches (id) ON DELETE CASCADE,
  first_pair INTEGER NOT NULL,
  ids BLOB NOT NULL,
  lengths BLOB NOT NULL,
  segment_starts BLOB NOT NULL,
  labels BLOB NOT NULL,
  truncated_pairs INTEGER NOT NULL,
  crc32 INTEGER NOT NULL,
  PRIMARY KEY (cache_id, first_pair)
) STRICT;
`;

/**
 * Tables that came later and that nothing older misses: made in every cache that lacks them, without a new version, so
 * that nobody has to import again.
 */
export const CACHE_ADDITIONS = `
CREATE TABLE IF NOT EXISTS example_groups (
  dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  split INTEGER NOT NULL CHECK (split BETWEEN 0 AND 2),
  name TEXT NOT NULL,
  kinds TEXT NOT NULL,
  codes BLOB NOT NULL,
  crc32 INTEGER NOT NULL,
  PRIMARY KEY (dataset_id, split, name)
) STRICT;
`;

/** Number of each split in the tables; 3 marks rows of an unfinished import whose split is not decided. */
export const SPLIT_NUMBERS = { train: 0, dev: 1, test: 2 } as const;
export const UNDECIDED_SPLIT = 3;
