/** @file Tests. The main questions to studio.db are answered by an index, whatever the number of rows. */
import type Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { listCheckpoints } from '../../../main/db/checkpoints.ts';
import type { StudioDatabase } from '../../../main/db/connection.ts';
import { latestEvaluation, listEvaluations } from '../../../main/db/evaluations.ts';
import { interruptOrphans } from '../../../main/db/lease.ts';
import { listLogs } from '../../../main/db/logs.ts';
import { latestMetrics, metricSeries, metricTail } from '../../../main/db/metrics.ts';
import { predictions } from '../../../main/db/predictions.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { findRun, listRuns } from '../../../main/db/runs.ts';
import { startedReport } from '../../support/sampleRun.ts';
import { openStudio, trainedRun } from '../../support/studioFile.ts';

/** The statements that `act` prepares, and how SQLite would go about each. */
function plansOf({ connection }: StudioDatabase, act: () => unknown): string[] {
  const statements: string[] = [];
  const prepare = connection.prepare.bind(connection);
  connection.prepare = ((source: string) => {
    statements.push(source);
    return prepare(source);
  }) as Database.Database['prepare'];
  act();
  connection.prepare = prepare as Database.Database['prepare'];
  return statements.map((source) => {
    const steps = prepare(`EXPLAIN QUERY PLAN ${source}`).all(...nulls(source)) as { detail: string }[];
    return `${source.replace(/\s+/g, ' ').trim()}\n    ${steps.map((step) => step.detail).join('\n    ')}`;
  });
}

function nulls(source: string): unknown[] {
  const names = [...source.matchAll(/:(\w+)/g)].map((match) => [match[1], null]);
  const places = [...source].filter((character) => character === '?').map(() => null);
  return names.length > 0 ? [Object.fromEntries(names)] : places;
}

/** Small tables, one row a name or a process, may be read from end to end. */
const WHOLE_IS_FINE = /SCAN (metric_names|leases|json_each)/;

describe('no table of many rows is read from end to end', () => {
  const questions: [string, (database: StudioDatabase, runId: string) => unknown][] = [
    ['findRun', findRun],
    ['metricSeries', (database, runId) => metricSeries(database, runId, 'step/loss')],
    ['metricTail of the system', (database, runId) => metricTail(database, runId, 'system/memoryBytes', 5)],
    ['latestMetrics', latestMetrics],
    ['listEvaluations', listEvaluations],
    ['latestEvaluation', (database, runId) => latestEvaluation(database, runId, 'test')],
    ['predictions', (database, runId) => predictions(database, runId, 'test')],
    ['listCheckpoints', listCheckpoints],
    ['listLogs', listLogs],
    ['listRuns of an experiment', (database) => listRuns(database, { experiment: 'e', limit: 10 })],
    ['interruptOrphans', interruptOrphans],
  ];

  test.each(questions)('by %s', (_, ask) => {
    const database = openStudio();
    const runId = trainedRun(database, 10);
    const plans = plansOf(database, () => ask(database, runId));
    expect(plans.length).toBeGreaterThan(0);
    for (const plan of plans) {
      const scans = plan.split('\n').filter((line) => line.includes('SCAN') && !WHOLE_IS_FINE.test(line));
      expect(scans, plan).toEqual([]);
    }
  });

  test('by metricSeries: it needs no sorting either', () => {
    const database = openStudio();
    const runId = trainedRun(database, 10);
    const plans = plansOf(database, () => metricSeries(database, runId, 'step/loss'));
    expect(plans.join('\n')).toContain('SEARCH metrics USING PRIMARY KEY (run=? AND metric=? AND step>?)');
    expect(plans.join('\n')).not.toContain('TEMP B-TREE');
  });

  test('by listRuns: the newest come out of an index, unsorted', () => {
    const database = openStudio();
    trainedRun(database, 10);
    const plan = plansOf(database, () => listRuns(database)).join('\n');
    expect(plan).toContain('SEARCH runs USING INDEX runs_by_archived (archived=?)');
    expect(plan.split('\n').filter((line) => line.includes('TEMP B-TREE FOR ORDER BY'))).toEqual([]);
  });

  test('by a resumption, which deletes', () => {
    const database = openStudio();
    const runId = trainedRun(database, 10);
    const plans = plansOf(database, () => appendReports(database, runId, [startedReport(5)]));
    // Five tables, and the blocks of two curves on three levels.
    expect(plans.filter((plan) => plan.startsWith('DELETE'))).toHaveLength(11);
    // What was found of one run may be gone through.
    for (const plan of plans) expect(plan).not.toMatch(/SCAN (?!\(subquery)/);
  });
});
