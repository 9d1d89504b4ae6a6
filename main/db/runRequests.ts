/** @file Node. What one process asks of a run that another one trains: they meet nowhere but in the database. */
import type { StudioDatabase, StudioReader } from './connection.ts';
import { read, write } from './connection.ts';
import { runKey } from './runKey.ts';

/** `keep`: stop and keep the figures; `stop`: stop in good order; `now`: end at once. */
export type RunRequestKind = 'keep' | 'stop' | 'now' | 'pause' | 'continue';

/** Throws NOT_FOUND. */
export function requestOfRun(database: StudioDatabase, runId: string, kind: RunRequestKind): void {
  write(database, () => {
    database.connection
      .prepare('INSERT INTO run_requests (run, kind, at) VALUES (?, ?, ?)')
      .run(runKey(database, runId), kind, new Date().toISOString());
  });
}

/** The requests to a run in their order, each given out once. For the process that trains it. */
export function takeRequests(database: StudioDatabase, runId: string): RunRequestKind[] {
  const run = runKey(database, runId);
  // Mostly there are none: looking takes no lock.
  if (!hasRequests(database, run)) return [];
  return write(database, () => {
    const rows = database.connection
      .prepare<[number], { id: number; kind: RunRequestKind }>(
        'DELETE FROM run_requests WHERE run = ? RETURNING id, kind',
      )
      .all(run);
    return rows.sort((one, other) => one.id - other.id).map(({ kind }) => kind);
  });
}

function hasRequests(database: StudioReader, run: number): boolean {
  const select = database.connection.prepare<[number]>('SELECT 1 FROM run_requests WHERE run = ? LIMIT 1');
  return read(database, () => select.get(run) !== undefined);
}
