/** @file Node. Stores what a training worker reports: a whole flush in one transaction, or nothing of it. */
import type Database from 'better-sqlite3';
import type { WorkerReport } from '../../shared/runs.ts';
import { forgetCheckpoint, insertCheckpoint } from './checkpoints.ts';
import type { StudioDatabase } from './connection.ts';
import { write } from './connection.ts';
import { insertEvaluation } from './evaluations.ts';
import { requireLease } from './lease.ts';
import { insertLog } from './logs.ts';
import { deleteMetricsAfter, insertMetrics } from './metrics.ts';
import { insertPredictions } from './predictions.ts';
import { runKey } from './runKey.ts';
import {
  failRun,
  finishRun,
  pauseRun,
  setEngine,
  setPlan,
  setProgress,
  setState,
  stopRun,
} from './runState.ts';

type CourseReport = Extract<
  WorkerReport,
  { kind: 'progress' | 'stopping' | 'pausing' | 'paused' | 'continued' | 'stopped' | 'finished' | 'failed' }
>;

/**
 * Stores reports in their order. When it returns they are on the disk; when it throws, none of them is.
 *
 * "started" begins an attempt: whatever an earlier one stored after the step from which it resumes (metrics,
 * evaluations, predictions, checkpoints) is dropped, because it will be computed again.
 * Throws LOCKED when this process does not have the run, NOT_FOUND, DISK_FULL, DATABASE_BUSY, WRITE_FAILED.
 */
export function appendReports(
  database: StudioDatabase,
  runId: string,
  reports: readonly WorkerReport[],
): void {
  if (reports.length === 0) return;
  write(database, () => {
    const run = runKey(database, runId);
    requireLease(database, runId, run);
    for (const report of reports) storeReport(database, runId, run, report);
  });
}

function storeReport(database: StudioDatabase, runId: string, run: number, report: WorkerReport): void {
  const { connection } = database;
  switch (report.kind) {
    case 'ready':
      break;
    case 'started':
      storeStart(database, runId, run, report);
      break;
    case 'metrics':
      insertMetrics(connection, run, report.points);
      break;
    case 'evaluation':
      insertEvaluation(connection, run, report.evaluation);
      if (report.predictions !== null) insertPredictions(connection, run, report.predictions);
      break;
    case 'checkpoint':
      insertCheckpoint(connection, run, report.checkpoint);
      break;
    case 'checkpointRemoved':
      forgetCheckpoint(connection, run, report.folder);
      break;
    case 'log':
      insertLog(connection, run, { level: report.level, text: report.text });
      break;
    default:
      storeCourse(database, runId, report);
  }
}

/** Reports about the run as a whole. */
function storeCourse(database: StudioDatabase, runId: string, report: CourseReport): void {
  switch (report.kind) {
    case 'progress': {
      const { kind: _, ...progress } = report;
      setProgress(database, runId, progress);
      break;
    }
    case 'stopping':
      setState(database, runId, 'stopping');
      break;
    case 'pausing':
      setState(database, runId, 'pausing');
      break;
    case 'paused':
      pauseRun(database, runId, report.waitsFor);
      break;
    case 'continued':
      setState(database, runId, 'running');
      break;
    case 'stopped':
      stopRun(database, runId, report.result ?? null);
      break;
    case 'finished':
      finishRun(database, runId, report.result);
      break;
    case 'failed':
      failRun(database, runId, report.error);
  }
}

function storeStart(
  database: StudioDatabase,
  runId: string,
  run: number,
  report: Extract<WorkerReport, { kind: 'started' }>,
): void {
  forgetAfter(database.connection, run, report.resumedAtStep);
  const { stepsPerEpoch, totalSteps, parameters, truncatedPairs } = report;
  setEngine(database, runId, report.engine);
  setPlan(database, runId, { stepsPerEpoch, totalSteps, parameters, truncatedPairs });
  setState(database, runId, 'running');
}

function forgetAfter(connection: Database.Database, run: number, step: number): void {
  deleteMetricsAfter(connection, run, step);
  for (const table of ['evaluations', 'predictions', 'checkpoints']) {
    connection.prepare(`DELETE FROM ${table} WHERE run = ? AND step > ?`).run(run, step);
  }
}
