/** @file Node. Log lines of a run, as its worker wrote them. */
import type Database from 'better-sqlite3';
import type { LogLine } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { read } from './connection.ts';
import { runKey } from './runKey.ts';

/** A page shows so many; the command line shows all. */
const MOST_LINES = 5000;

/** A run's log, oldest line first. Throws NOT_FOUND. */
export function listLogs(database: StudioReader, runId: string): LogLine[] {
  const select = 'SELECT at, level, text FROM logs WHERE run = ? ORDER BY id';
  return read(database, () =>
    database.connection.prepare<[number], LogLine>(select).all(runKey(database, runId)),
  );
}

/** The lines after a cursor (null: the last `MOST_LINES`), oldest first, and what to pass next time. Throws NOT_FOUND. */
export function logTail(
  database: StudioReader,
  runId: string,
  after: number | null,
): { lines: LogLine[]; cursor: number } {
  const select = database.connection.prepare<[number, number, number], LogLine & { id: number }>(
    'SELECT id, at, level, text FROM logs WHERE run = ? AND id > ? ORDER BY id DESC LIMIT ?',
  );
  const rows = read(database, () => select.all(runKey(database, runId), after ?? 0, MOST_LINES)).reverse();
  return { lines: rows.map(({ id: _, ...line }) => line), cursor: rows.at(-1)?.id ?? after ?? 0 };
}

/** Inside a transaction: adds a line. For files of db/. */
export function insertLog(connection: Database.Database, run: number, line: Omit<LogLine, 'at'>): void {
  const insert = connection.prepare('INSERT INTO logs (run, at, level, text) VALUES (?, ?, ?, ?)');
  insert.run(run, new Date().toISOString(), line.level, line.text);
}
