/**
 * @file Node. Version 2 of studio.db: what a studio with a window needs. A queue (runs in state "queued", by place),
 * requests to runs that another process trains, colours, figures and blocks of curves that make large stores quick,
 * views and preferences. See docs/database.md.
 */
import type Database from 'better-sqlite3';
import type { RunConfig } from '../../../shared/runs.ts';
import { rebuildFigures } from '../figures.ts';
import { rebuildBlocks } from '../metricBlocks.ts';
import { replicateHash } from '../runRecord.ts';
import type { Migration } from './migration.ts';

const RUNS = `
CREATE TABLE runs_2 (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  experiment INTEGER REFERENCES experiments (id),
  name TEXT,
  notes TEXT NOT NULL DEFAULT '',
  archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1)),
  state TEXT NOT NULL CHECK (state IN ('queued', 'preparing', 'running', 'pausing', 'paused', 'stopping', 'completed', 'stopped', 'failed', 'interrupted')),
  config TEXT NOT NULL,
  config_hash TEXT NOT NULL,
  replicate_hash TEXT,
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
  error TEXT,
  colour INTEGER CHECK (colour BETWEEN 0 AND 7),
  threads INTEGER CHECK (threads >= 1),
  queue_place REAL,
  queued_from TEXT
) STRICT;
INSERT INTO runs_2 (number, id, experiment, name, notes, archived, state, config, config_hash, environment, engine,
    steps_per_epoch, total_steps, parameters, truncated_pairs, created_at, started_at, finished_at, progress, result,
    result_crc, error)
  SELECT number, id, experiment, name, notes, archived, state, config, config_hash, environment, engine,
    steps_per_epoch, total_steps, parameters, truncated_pairs, created_at, started_at, finished_at, progress, result,
    result_crc, error FROM runs;
DROP TABLE runs;
ALTER TABLE runs_2 RENAME TO runs;
CREATE INDEX runs_by_archived ON runs (archived, number);
CREATE INDEX runs_by_experiment ON runs (experiment, number);
CREATE INDEX runs_in_work ON runs (state) WHERE state IN ('preparing', 'running', 'pausing', 'paused', 'stopping');
CREATE INDEX runs_in_queue ON runs (queue_place) WHERE state = 'queued';

CREATE TRIGGER runs_keep_what_they_were_made_with
BEFORE UPDATE OF number, id, config, config_hash, environment, created_at ON runs
BEGIN
  SELECT RAISE(ABORT, 'what a run was made with never changes');
END;
`;

const TABLES = `
CREATE TABLE run_requests (
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('keep', 'stop', 'now', 'pause', 'continue')),
  at TEXT NOT NULL
) STRICT;

CREATE TABLE run_figures (
  run INTEGER PRIMARY KEY REFERENCES runs (number) ON DELETE CASCADE,
  figures TEXT NOT NULL,
  crc INTEGER NOT NULL
) STRICT;

CREATE TABLE metric_blocks (
  run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
  metric INTEGER NOT NULL REFERENCES metric_names (id),
  level INTEGER NOT NULL,
  block INTEGER NOT NULL,
  points INTEGER NOT NULL,
  finite INTEGER NOT NULL,
  lowest REAL,
  highest REAL,
  total REAL,
  last REAL,
  last_step INTEGER NOT NULL,
  last_epoch REAL NOT NULL,
  last_at_ms INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY (run, metric, level, block)
) STRICT, WITHOUT ROWID;

CREATE TABLE views (
  page TEXT NOT NULL,
  name TEXT NOT NULL,
  state TEXT NOT NULL,
  saved_at TEXT NOT NULL,
  PRIMARY KEY (page, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE preferences (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** Rebuilds `runs`, because SQLite cannot change a CHECK, and makes the new tables. */
export const migration0002: Migration = {
  version: 2,
  name: '0002_studio',
  apply: (connection) => {
    connection.exec(RUNS + TABLES);
    fillIn(connection);
  },
};

/** What version 1 did not keep, from what it did. */
function fillIn(connection: Database.Database): void {
  const runs = connection
    .prepare<[], { number: number; config: string }>('SELECT number, config FROM runs')
    .all();
  const repeat = connection.prepare('UPDATE runs SET replicate_hash = ? WHERE number = ?');
  const curves = connection
    .prepare<[number], number>('SELECT DISTINCT metric FROM metrics WHERE run = ?')
    .pluck();
  for (const { number, config } of runs) {
    repeat.run(replicateHash(JSON.parse(config) as RunConfig), number);
    rebuildFigures(connection, number);
    for (const metric of curves.all(number)) rebuildBlocks(connection, { run: number, metric }, 0);
  }
}
