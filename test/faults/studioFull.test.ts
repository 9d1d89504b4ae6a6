/** @file Tests. The disk fills up under studio.db (R5): nothing is half-written, and it goes on when there is space. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { renameRun } from '../../main/db/annotations.ts';
import { backupFolder } from '../../main/db/backup.ts';
import type { StudioDatabase } from '../../main/db/connection.ts';
import { write } from '../../main/db/connection.ts';
import { listEvaluations } from '../../main/db/evaluations.ts';
import { listLogs } from '../../main/db/logs.ts';
import { metricSeries } from '../../main/db/metrics.ts';
import { predictions } from '../../main/db/predictions.ts';
import { appendReports } from '../../main/db/reports.ts';
import { findRun } from '../../main/db/runs.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import { sampleEvaluation, samplePoints } from '../support/sampleRun.ts';
import { studioErrorOf } from '../support/studioErrorOf.ts';
import { claimedRun, openStudio } from '../support/studioFile.ts';

/** A flush of many kinds of rows over many pages. */
const flush: WorkerReport[] = [
  { kind: 'metrics', points: samplePoints('step/loss', 1, 400) },
  { kind: 'log', level: 'info', text: 'x'.repeat(6000) },
  {
    kind: 'evaluation',
    evaluation: sampleEvaluation('test', 400),
    predictions: { split: 'test', step: 400, classes: 3, probabilities: new Float32Array(6000) },
  },
];

/** What of the flush is there: "nothing", "all" or something in between. */
function stored(database: StudioDatabase, runId: string): string {
  const points = metricSeries(database, runId, 'step/loss').steps.length;
  const others = [listLogs(database, runId), listEvaluations(database, runId)].map((rows) => rows.length);
  const counts = [points, ...others, predictions(database, runId, 'test')?.probabilities.length ?? 0].join(
    ' ',
  );
  return counts === '0 0 0 0' ? 'nothing' : counts === '400 1 1 6000' ? 'all' : counts;
}

describe('a full disk', () => {
  test('at any page of a flush stores nothing of it, and everything once there is space', () => {
    const database = openStudio();
    const { connection } = database;
    const runId = claimedRun(database);
    const setLimit = (pages: number): unknown => connection.pragma(`max_page_count = ${pages}`);
    const before = Number(connection.pragma('page_count', { simple: true }));
    let failures = 0;
    for (let limit = before; ; limit++) {
      setLimit(limit);
      try {
        appendReports(database, runId, flush);
        break;
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'DISK_FULL', place: { file: database.path } });
        failures++;
      }
      expect(connection.inTransaction).toBe(false);
      expect(stored(database, runId)).toBe('nothing');
    }
    expect(failures).toBeGreaterThan(5);
    expect(stored(database, runId)).toBe('all');
    expect(connection.pragma('integrity_check', { simple: true })).toBe('ok');
  });

  test('in the middle of several writes undoes them all, and says so to the outermost', () => {
    const database = openStudio();
    const { connection } = database;
    const runId = claimedRun(database);
    connection.pragma(`max_page_count = ${connection.pragma('page_count', { simple: true })}`);
    const error = studioErrorOf(() =>
      write(database, () => {
        renameRun(database, runId, 'renamed');
        appendReports(database, runId, flush);
      }),
    );
    expect(error.code).toBe('DISK_FULL');
    expect(error.nextStep).toContain('--data-dir');
    expect(findRun(database, runId).name).toBeNull();
    renameRun(database, runId, 'later');
    expect(findRun(database, runId).name).toBe('later');
  });

  test('does not keep a database from being closed', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    database.connection.pragma('max_page_count = 1');
    database.close();
    expect(findRun(openStudio(database.path), runId).id).toBe(runId);
    expect(() => readdirSync(backupFolder(database.path))).toThrow('ENOENT');
  });
});
