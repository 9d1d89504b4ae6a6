/** @file Node. Deleting a run from the database, and what that would take away. */
import type { RunSize } from '../../shared/runSize.ts';
import type { StudioDatabase, StudioReader } from './connection.ts';
import { read, write } from './connection.ts';
import { requireFree } from './lease.ts';
import { COARSEST } from './metricBlocks.ts';
import { runKey } from './runKey.ts';

/** Bytes of a metric's row, measured on runs of some thousand steps. */
const BYTES_PER_POINT = 46;

/** What would go with the run. Throws NOT_FOUND. */
export function runSize(database: StudioReader, runId: string): RunSize {
  const select = `SELECT
    (SELECT coalesce(sum(points), 0) FROM metric_blocks WHERE run = :run AND level = ${COARSEST}) + (SELECT count(*) FROM system_metrics WHERE run = :run) AS metricPoints,
    (SELECT count(*) FROM evaluations WHERE run = :run) AS evaluations,
    (SELECT count(*) FROM logs WHERE run = :run) AS logLines,
    (SELECT count(*) FROM checkpoints WHERE run = :run) AS checkpoints,
    (SELECT coalesce(sum(size_bytes), 0) FROM checkpoints WHERE run = :run) AS checkpointBytes,
    (SELECT coalesce(sum(4 * classes * pairs), 0) FROM predictions WHERE run = :run)
      + (SELECT coalesce(sum(length(confusion) + length(per_class)), 0) FROM evaluations WHERE run = :run)
      + (SELECT coalesce(sum(length(text)), 0) FROM logs WHERE run = :run)
      + (SELECT length(config) + length(environment) + length(notes) FROM runs WHERE number = :run) AS databaseBytes`;
  return read(database, () => {
    const run = runKey(database, runId);
    const size = database.connection.prepare<[object], RunSize>(select).get({ run })!;
    return { ...size, databaseBytes: size.databaseBytes + size.metricPoints * BYTES_PER_POINT };
  });
}

/**
 * Removes a run and all its rows. Its folder is the caller's to remove, afterwards: a folder without a row is
 * rubbish, a row without a folder would be a lie. Throws NOT_FOUND, LOCKED while a process works on the run.
 */
export function deleteRun(database: StudioDatabase, runId: string): void {
  write(database, () => {
    const run = runKey(database, runId);
    requireFree(database, runId, run, !database.claimed.has(runId));
    database.connection.prepare('DELETE FROM runs WHERE number = ?').run(run);
  });
}
