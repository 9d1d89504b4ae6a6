/** @file Tests. What a worker reports is stored whole, in order, and never twice. */
import { describe, expect, test } from 'vitest';
import { deleteCheckpoint, listCheckpoints } from '../../../main/db/checkpoints.ts';
import { latestEvaluation, listEvaluations } from '../../../main/db/evaluations.ts';
import { listLogs } from '../../../main/db/logs.ts';
import { latestMetrics, metricSeries, metricTail } from '../../../main/db/metrics.ts';
import { predictions } from '../../../main/db/predictions.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { createRun, findRun } from '../../../main/db/runs.ts';
import { StudioError } from '../../../shared/errors.ts';
import type { MetricName, WorkerReport } from '../../../shared/runs.ts';
import {
  sampleCheckpoint,
  sampleConfig,
  sampleEngine,
  sampleEnvironment,
  sampleEvaluation,
  samplePoint,
  samplePoints,
  samplePredictions,
  sampleResult,
  startedReport,
} from '../../support/sampleRun.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { claimedRun, openStudio, trainedRun } from '../../support/studioFile.ts';

function metricsReport(metric: MetricName, from: number, to: number): WorkerReport {
  return { kind: 'metrics', points: samplePoints(metric, from, to) };
}

describe('the course of a run', () => {
  test('goes from preparing over running to completed, with times, engine, plan, progress and result', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    appendReports(database, runId, [{ kind: 'ready', pid: 5 }, startedReport()]);
    expect(findRun(database, runId)).toMatchObject({
      state: 'running',
      engine: sampleEngine,
      finishedAt: null,
      plan: { stepsPerEpoch: 43, totalSteps: 215, parameters: 5_000_000, truncatedPairs: 7 },
    });
    const progress = {
      step: 3,
      totalSteps: 215,
      epoch: 0.07,
      phase: 'training',
      etaSeconds: 60,
      pairsPerSecond: 900,
    } as const;
    appendReports(database, runId, [{ kind: 'progress', ...progress }]);
    const { startedAt, ...running } = findRun(database, runId);
    expect(startedAt).not.toBeNull();
    expect(running.progress).toEqual(progress);
    appendReports(database, runId, [{ kind: 'finished', result: sampleResult }]);
    const done = findRun(database, runId);
    expect(done).toMatchObject({ state: 'completed', result: sampleResult, startedAt });
    expect(done.finishedAt).not.toBeNull();
  });

  test('may be stopped, or fail with an error, and go on again', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    appendReports(database, runId, [startedReport(), { kind: 'stopping' }]);
    expect(findRun(database, runId).state).toBe('stopping');
    appendReports(database, runId, [{ kind: 'stopped', step: 9 }]);
    expect(findRun(database, runId).state).toBe('stopped');
    const error = new StudioError('LOSS_NOT_FINITE', 'The loss became NaN.').toData();
    appendReports(database, runId, [startedReport(9), { kind: 'failed', error }]);
    expect(findRun(database, runId)).toMatchObject({ state: 'failed', error });
    appendReports(database, runId, [startedReport(9)]);
    expect(findRun(database, runId)).toMatchObject({ state: 'running', error: null, finishedAt: null });
  });

  test('is written by the process that has the run only', () => {
    const database = openStudio();
    const unclaimed = createRun(database, { config: sampleConfig(), environment: sampleEnvironment });
    database.connection.exec("UPDATE leases SET pid = 1, process_started = 'elsewhere', host = 'another'");
    const error = studioErrorOf(() => appendReports(database, unclaimed, [startedReport()]));
    expect(error.code).toBe('LOCKED');
    expect(error.message).toContain('process 1 on another');
    database.connection.exec('DELETE FROM leases');
    expect(studioErrorOf(() => appendReports(database, unclaimed, [startedReport()])).code).toBe('LOCKED');
    const measured = metricsReport('step/loss', 1, 5);
    expect(studioErrorOf(() => appendReports(database, unclaimed, [measured])).code).toBe('LOCKED');
    expect(findRun(database, unclaimed).state).toBe('preparing');
  });
});

describe('metrics', () => {
  test('come back as they were, also NaN, infinity and minus zero', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    const values = [0.1, Number.NaN, Number.POSITIVE_INFINITY, -0, -1e300, Number.MIN_VALUE, 5];
    const points = values.map((value, at) => samplePoint('step/loss', at + 1, value));
    appendReports(database, runId, [{ kind: 'metrics', points }]);
    const series = metricSeries(database, runId, 'step/loss');
    expect([...series.values]).toEqual(values.map((value) => value + 0));
    expect([...series.steps]).toEqual(points.map((point) => point.step));
    expect([...series.epochs]).toEqual(points.map((point) => point.epoch));
    expect([...series.atMs]).toEqual(points.map((point) => point.atMs));
    expect(metricSeries(database, runId, 'dev/loss').steps).toHaveLength(0);
  });

  test('that arrive twice are stored once, out of order are put in order', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    appendReports(database, runId, [metricsReport('step/loss', 5, 9), metricsReport('step/loss', 1, 6)]);
    expect([...metricSeries(database, runId, 'step/loss').steps]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('of the system may have several samples in one step', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    const points = [1, 2, 3].map((at) => ({ ...samplePoint('system/cpuPercent', 7, at), atMs: 1000 * at }));
    appendReports(database, runId, [{ kind: 'metrics', points }]);
    expect([...metricSeries(database, runId, 'system/cpuPercent').values]).toEqual([1, 2, 3]);
    const first = metricTail(database, runId, 'system/cpuPercent', 1000);
    expect([...first.series.values]).toEqual([2, 3]);
    expect(first.cursor).toBe(3000);
  });

  test('can be followed by a cursor', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    const empty = metricTail(database, runId, 'step/loss', null);
    expect(empty.series.steps).toHaveLength(0);
    appendReports(database, runId, [metricsReport('step/loss', 1, 3)]);
    const three = metricTail(database, runId, 'step/loss', empty.cursor);
    expect([...three.series.steps]).toEqual([1, 2, 3]);
    appendReports(database, runId, [metricsReport('step/loss', 4, 5), metricsReport('step/accuracy', 1, 9)]);
    const two = metricTail(database, runId, 'step/loss', three.cursor);
    expect([...two.series.steps]).toEqual([4, 5]);
    expect(metricTail(database, runId, 'step/loss', two.cursor)).toMatchObject({ cursor: two.cursor });
  });

  test('have a last point each', () => {
    const database = openStudio();
    const runId = trainedRun(database, 12);
    trainedRun(database, 30);
    const latest = latestMetrics(database, runId);
    expect([...latest.keys()].sort()).toEqual(['step/accuracy', 'step/loss', 'system/memoryBytes']);
    expect(latest.get('step/loss')).toEqual(samplePoint('step/loss', 12));
  });

  test('of an unknown name are refused, and with them the whole flush', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    const points = [samplePoint('step/loss', 1), samplePoint('__proto__' as MetricName, 1)];
    expect(studioErrorOf(() => appendReports(database, runId, [{ kind: 'metrics', points }])).code).toBe(
      'INTERNAL',
    );
    expect(metricSeries(database, runId, 'step/loss').steps).toHaveLength(0);
  });
});

describe('evaluations, predictions, checkpoints and logs', () => {
  test('come back as they were', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    appendReports(database, runId, [
      {
        kind: 'evaluation',
        evaluation: { ...sampleEvaluation('dev', 10), loss: Number.NaN },
        predictions: null,
      },
      {
        kind: 'evaluation',
        evaluation: sampleEvaluation('test', 10),
        predictions: samplePredictions('test', 10),
      },
      {
        kind: 'evaluation',
        evaluation: sampleEvaluation('test', 20),
        predictions: samplePredictions('test', 20),
      },
      { kind: 'checkpoint', checkpoint: sampleCheckpoint(10) },
      { kind: 'checkpoint', checkpoint: sampleCheckpoint(20) },
      { kind: 'checkpoint', checkpoint: sampleCheckpoint(10, 'best') },
      { kind: 'log', level: 'warning', text: 'No dev split.' },
    ]);
    expect(listEvaluations(database, runId)).toEqual([
      { ...sampleEvaluation('dev', 10), loss: Number.NaN },
      sampleEvaluation('test', 10),
      sampleEvaluation('test', 20),
    ]);
    expect(latestEvaluation(database, runId, 'test')).toEqual(sampleEvaluation('test', 20));
    expect(latestEvaluation(database, runId, 'train')).toBeNull();
    expect(predictions(database, runId, 'test')).toEqual(samplePredictions('test', 20));
    expect(predictions(database, runId, 'dev')).toBeNull();
    expect(listCheckpoints(database, runId)).toEqual([sampleCheckpoint(20), sampleCheckpoint(10, 'best')]);
    appendReports(database, runId, [{ kind: 'checkpointRemoved', folder: 'ckpt-20' }]);
    expect(listCheckpoints(database, runId)).toEqual([sampleCheckpoint(10, 'best')]);
    deleteCheckpoint(database, runId, 'ckpt-10');
    expect(listCheckpoints(database, runId)).toEqual([]);
    expect(listLogs(database, runId)).toMatchObject([{ level: 'warning', text: 'No dev split.' }]);
  });

  test('keep a block of probabilities that starts in the middle of a larger one', () => {
    const database = openStudio();
    const runId = claimedRun(database);
    const whole = samplePredictions('test', 1).probabilities;
    const block = { split: 'test', step: 1, classes: 3, probabilities: whole.subarray(3, 9) } as const;
    appendReports(database, runId, [
      { kind: 'evaluation', evaluation: sampleEvaluation('test', 1), predictions: block },
    ]);
    expect(predictions(database, runId, 'test')?.probabilities).toEqual(whole.slice(3, 9));
  });
});

describe('a resumed run', () => {
  test('replaces what was measured after the step it resumes from, and nothing else', () => {
    const database = openStudio();
    const bystander = trainedRun(database, 30);
    const runId = claimedRun(database);
    const upTo = (from: number, to: number): WorkerReport[] => [
      metricsReport('step/loss', from, to),
      metricsReport('system/memoryBytes', from, to),
      {
        kind: 'evaluation',
        evaluation: sampleEvaluation('test', to),
        predictions: samplePredictions('test', to),
      },
      { kind: 'checkpoint', checkpoint: sampleCheckpoint(to) },
    ];
    appendReports(database, runId, [startedReport(), ...upTo(1, 20), ...upTo(21, 30)]);
    appendReports(database, runId, [startedReport(20)]);
    expect(metricSeries(database, runId, 'step/loss').steps.at(-1)).toBe(20);
    expect(metricSeries(database, runId, 'system/memoryBytes').steps.at(-1)).toBe(20);
    expect(listEvaluations(database, runId).map((each) => each.step)).toEqual([20]);
    expect(predictions(database, runId, 'test')?.step).toBe(20);
    expect(listCheckpoints(database, runId).map((each) => each.step)).toEqual([20]);
    appendReports(database, runId, upTo(21, 40));
    expect([...metricSeries(database, runId, 'step/loss').steps]).toEqual(
      Array.from({ length: 40 }, (_, at) => at + 1),
    );
    expect(metricSeries(database, bystander, 'step/loss').steps).toHaveLength(30);
  });
});
