/** @file Node. Version 3 of studio.db: what was exported, where to, and what the comparison found. See docs/database.md. */
import type { Migration } from './migration.ts';

/** An export outlives its run: the folder is the person's. */
const TABLES = `
CREATE TABLE exports (
  id INTEGER PRIMARY KEY,
  run INTEGER REFERENCES runs (number) ON DELETE SET NULL,
  format TEXT NOT NULL,
  "precision" TEXT,
  folder TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('verified', 'unverified', 'failed', 'written')),
  step INTEGER,
  size_bytes INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  parity TEXT,
  crc INTEGER NOT NULL
) STRICT;
CREATE INDEX exports_by_run ON exports (run, id);
CREATE UNIQUE INDEX exports_by_folder ON exports (folder);
`;

export const migration0003: Migration = {
  version: 3,
  name: '0003_exports',
  apply: (connection) => void connection.exec(TABLES),
};
