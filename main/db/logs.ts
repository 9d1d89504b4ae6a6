/** @file Node. Log lines of a run, as its worker wrote them. */
import type Database from 'better-sqlite3';
import type { LogLine } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { read } from './connection.ts';
import { runKey } from './runKey.ts';

/** A run's log, oldest line first. Throws NOT_FOUND. */
export function listLogs(database: StudioReader, runId: string): LogLine[] {
  const select = 'SELECT at, level, text FROM logs WHERE run = ? ORDER BY id';
  return read(database, () =>
    database.connection.prepare<[number], LogLine>(select).all(runKey(database, runId)),
  );
}

/** Inside a transaction: adds a line. For files of db/. */
export function insertLog(connection: Database.Database, run: number, line: Omit<LogLine, 'at'>): void {
  const insert = connection.prepare('INSERT INTO logs (run, at, level, text) VALUES (?, ?, ?, ?)');
  insert.run(run, new Date().toISOString(), line.level, line.text);
}
