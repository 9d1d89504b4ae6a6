/**
 * @file Node. Who has studio.db open. A row is made when a process opens the file and removed when it closes it, so
 * a row whose process is gone means that somebody was killed, or the power failed: then the file is checked in full.
 */
import type Database from 'better-sqlite3';
import { writeOn } from './connection.ts';
import type { ProcessOwner } from './processOwner.ts';
import { isOwnerAlive } from './processOwner.ts';

interface OpeningRow {
  readonly id: number;
  readonly pid: number;
  readonly process_started: string | null;
  readonly host: string;
  readonly opened_at: string;
}

/** Whether some process opened the file and went without closing it. */
export function hasDeadOpenings(connection: Database.Database): boolean {
  return deadOpenings(connection).length > 0;
}

/** Writes down that this process has the file open, in place of those that are gone; returns the row's id. Throws as `write`. */
export function registerOpening(connection: Database.Database, owner: ProcessOwner): number {
  return writeOn(connection, connection.name, () => {
    for (const id of deadOpenings(connection)) removeOpening(connection, id);
    const insert = connection.prepare(
      'INSERT INTO openings (pid, process_started, host, opened_at) VALUES (?, ?, ?, ?)',
    );
    const { lastInsertRowid } = insert.run(
      owner.pid,
      owner.processStarted,
      owner.host,
      new Date().toISOString(),
    );
    return Number(lastInsertRowid);
  });
}

/** Writes down that an opening ended well. */
export function removeOpening(connection: Database.Database, id: number): void {
  connection.prepare('DELETE FROM openings WHERE id = ?').run(id);
}

function deadOpenings(connection: Database.Database): number[] {
  const rows = connection.prepare<[], OpeningRow>('SELECT * FROM openings').all();
  return rows
    .filter(
      (row) =>
        !isOwnerAlive({ pid: row.pid, processStarted: row.process_started, host: row.host }, row.opened_at),
    )
    .map((row) => row.id);
}
