/** @file Tests. studio.db files of their own. */
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { StudioDatabase } from '../../main/db/connection.ts';
import { claimRun } from '../../main/db/lease.ts';
import { type OpenOptions, openStudioDatabase } from '../../main/db/open.ts';
import { appendReports } from '../../main/db/reports.ts';
import { createRun, type NewRun } from '../../main/db/runs.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import {
  sampleCheckpoint,
  sampleConfig,
  sampleEnvironment,
  sampleEvaluation,
  samplePoints,
  samplePredictions,
  sampleResult,
  startedReport,
} from './sampleRun.ts';
import { temporaryFolder } from './temporaryFolder.ts';

const opened: StudioDatabase[] = [];

afterEach(() => {
  for (const database of opened.splice(0)) database.close();
});

/** Where a studio.db may be made. */
export function studioPath(): string {
  return join(temporaryFolder(), 'studio.db');
}

/** Opens a studio.db, closed after the test at the latest. */
export function openStudio(
  path = studioPath(),
  options: OpenOptions & { readonly readOnly?: false } = {},
): StudioDatabase {
  const database = openStudioDatabase(path, options);
  opened.push(database);
  return database;
}

/** A new run that this process has claimed. */
export function claimedRun(
  database: StudioDatabase,
  changes: Readonly<Record<string, unknown>> = {},
): string {
  const runId = createRun(database, { config: sampleConfig(changes), environment: sampleEnvironment });
  claimRun(database, runId);
  return runId;
}

/** A completed run that nobody holds any more. */
export function endedRun(
  database: StudioDatabase,
  reports: readonly WorkerReport[] = [],
  run: Partial<NewRun> = {},
): string {
  const runId = createRun(database, { config: sampleConfig(), environment: sampleEnvironment, ...run });
  const lease = claimRun(database, runId);
  appendReports(database, runId, [startedReport(), ...reports, { kind: 'finished', result: sampleResult }]);
  lease.release();
  return runId;
}

/** A run with some of everything up to step `steps`. */
export function trainedRun(database: StudioDatabase, steps: number): string {
  const runId = claimedRun(database);
  appendReports(database, runId, [
    startedReport(),
    {
      kind: 'metrics',
      points: [...samplePoints('step/loss', 1, steps), ...samplePoints('step/accuracy', 1, steps)],
    },
    { kind: 'metrics', points: samplePoints('system/memoryBytes', 1, steps) },
    {
      kind: 'evaluation',
      evaluation: sampleEvaluation('test', steps),
      predictions: samplePredictions('test', steps),
    },
    { kind: 'checkpoint', checkpoint: sampleCheckpoint(steps) },
    { kind: 'log', level: 'info', text: 'hello' },
  ]);
  return runId;
}
