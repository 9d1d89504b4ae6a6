/** @file Node. Checkpoints: which folders of a run hold weights. The folders themselves are the trainer's. */
import type Database from 'better-sqlite3';
import type { CheckpointRecord } from '../../shared/runs.ts';
import type { StudioDatabase, StudioReader } from './connection.ts';
import { read, write } from './connection.ts';
import { requireFree } from './lease.ts';
import { runKey } from './runKey.ts';

/** A run's checkpoints, newest first. Throws NOT_FOUND. */
export function listCheckpoints(database: StudioReader, runId: string): CheckpointRecord[] {
  const select = `SELECT step, epoch, folder, size_bytes AS sizeBytes, kind, manifest_sha256 AS manifestSha256
    FROM checkpoints WHERE run = ? ORDER BY step DESC, id DESC`;
  return read(database, () =>
    database.connection.prepare<[number], CheckpointRecord>(select).all(runKey(database, runId)),
  );
}

/**
 * Forgets a checkpoint: before its folder is removed, so that no row ever names a folder that is not there. One that
 * is not known is fine. Throws NOT_FOUND for the run, LOCKED when another process has it.
 */
export function deleteCheckpoint(database: StudioDatabase, runId: string, folder: string): void {
  write(database, () => {
    const run = runKey(database, runId);
    requireFree(database, runId, run, true);
    forgetCheckpoint(database.connection, run, folder);
  });
}

/** Inside a transaction: removes the row of a folder. For files of db/. */
export function forgetCheckpoint(connection: Database.Database, run: number, folder: string): void {
  connection.prepare('DELETE FROM checkpoints WHERE run = ? AND folder = ?').run(run, folder);
}

/** Inside a transaction: stores a checkpoint, in place of what was known of its folder. For files of db/. */
export function insertCheckpoint(
  connection: Database.Database,
  run: number,
  checkpoint: CheckpointRecord,
): void {
  const insert = connection.prepare(
    `INSERT OR REPLACE INTO checkpoints (run, folder, kind, step, epoch, size_bytes, manifest_sha256, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const { folder, kind, step, epoch, sizeBytes, manifestSha256 } = checkpoint;
  insert.run(run, folder, kind, step, epoch, sizeBytes, manifestSha256, new Date().toISOString());
}
