/** @file Node. Version 1 of studio.db: experiments, runs and everything they leave behind. See docs/database.md. */
import type { Migration } from './migration.ts';

const SCHEMA = `
CREATE TABLE properties (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE openings (
  id INTEGER PRIMARY KEY,
  pid INTEGER NOT NULL,
  process_started TEXT,
  host TEXT NOT NULL,
  opened_at TEXT NOT NULL
) STRICT;

CREATE TABLE experiments (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  experiment INTEGER REFERENCES experiments (id),
  name TEXT,
  notes TEXT NOT NULL DEFAULT '',
  archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1)),
  state TEXT NOT NULL CHECK (state IN ('preparing', 'running', 'stopping', 'completed', 'stopped', 'failed', 'interrupted')),
  config TEXT NOT NULL,
  config_hash TEXT NOT NULL,
  environment TEXT NOT NULL,
  engine TEXT,
  steps_per_epoch INTEGER,
  total_steps INTEGER,
  parameters INTEGER,
  truncated_pairs INTEGER,
  created_at TEXT NOT NULL,
  started_at TEXT,
  finished_at TEXT,
  progress TEXT,
  result TEXT,
  result_crc INTEGER,
  error TEXT
) STRICT;
CREATE INDEX runs_by_archived ON runs (archived, number);
CREATE INDEX runs_by_experiment ON runs (experiment, number);
CREATE INDEX runs_in_work ON runs (state) WHERE state IN ('preparing', 'running', 'stopping');

CREATE TRIGGER runs_keep_what_they_were_made_with
BEFORE UPDATE OF number, id, config, config_hash, environment, created_at ON runs
BEGIN
  SELECT RAISE(ABORT, 'what a run was made with never changes');
END;

CREATE TABLE run_tags (
  run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  PRIMARY KEY (run, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_tags_by_tag ON run_tags (tag, run);

CREATE TABLE leases (
  run INTEGER PRIMARY KEY REFERENCES runs (number) ON DELETE CASCADE,
  pid INTEGER NOT NULL,
  process_started TEXT,
  host TEXT NOT NULL,
  since TEXT NOT NULL,
  heartbeat_at TEXT NOT NULL
) STRICT;

CREATE TABLE metric_names (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE metrics (
  run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  metric INTEGER NOT NULL REFERENCES metric_names (id),
  step INTEGER NOT NULL,
  epoch REAL NOT NULL,
  at_ms INTEGER NOT NULL,
  value REAL,
  crc INTEGER NOT NULL,
  PRIMARY KEY (run, metric, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE system_metrics (
  run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  metric INTEGER NOT NULL REFERENCES metric_names (id),
  at_ms INTEGER NOT NULL,
  step INTEGER NOT NULL,
  epoch REAL NOT NULL,
  value REAL,
  crc INTEGER NOT NULL,
  PRIMARY KEY (run, metric, at_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE evaluations (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  split TEXT NOT NULL CHECK (split IN ('train', 'dev', 'test')),
  step INTEGER NOT NULL,
  epoch REAL NOT NULL,
  loss REAL,
  accuracy REAL,
  macro_f1 REAL,
  pairs INTEGER NOT NULL,
  pairs_per_second REAL,
  confusion TEXT NOT NULL,
  per_class TEXT NOT NULL,
  crc INTEGER NOT NULL,
  UNIQUE (run, split, step)
) STRICT;

CREATE TABLE predictions (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  split TEXT NOT NULL CHECK (split IN ('train', 'dev', 'test')),
  step INTEGER NOT NULL,
  classes INTEGER NOT NULL CHECK (classes >= 2),
  pairs INTEGER NOT NULL CHECK (pairs >= 0),
  crc INTEGER NOT NULL,
  probabilities BLOB NOT NULL CHECK (length(probabilities) = 4 * classes * pairs),
  UNIQUE (run, split, step)
) STRICT;

CREATE TABLE checkpoints (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  folder TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('last', 'best')),
  step INTEGER NOT NULL,
  epoch REAL NOT NULL,
  size_bytes INTEGER NOT NULL,
  manifest_sha256 TEXT NOT NULL,
  created_at TEXT NOT NULL,
  UNIQUE (run, folder)
) STRICT;

CREATE TABLE logs (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  at TEXT NOT NULL,
  level TEXT NOT NULL CHECK (level IN ('info', 'warning')),
  text TEXT NOT NULL
) STRICT;
CREATE INDEX logs_by_run ON logs (run, id);
`;

/** Makes the tables. */
export const migration0001: Migration = {
  version: 1,
  name: '0001_runs',
  apply: (connection) => void connection.exec(SCHEMA),
};
