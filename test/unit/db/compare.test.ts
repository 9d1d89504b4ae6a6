/** @file Tests. Comparing runs: what differs in how they were made, and what came out. */
import { describe, expect, test } from 'vitest';
import { compareRuns, compareStoredRuns, differences, flattened } from '../../../main/db/compare.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { findRun } from '../../../main/db/runs.ts';
import { samplePoint, sampleResult, startedReport } from '../../support/sampleRun.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { claimedRun, openStudio } from '../../support/studioFile.ts';

describe('flattened', () => {
  test('gives a path for every leaf, lists in one piece', () => {
    const value = {
      a: { b: 1, c: { d: null } },
      labels: ['x', 'y'],
      weights: [[1], [2]],
      ok: true,
      __proto__: undefined,
    };
    expect([...flattened(value)]).toEqual([
      ['a.b', 1],
      ['a.c.d', null],
      ['labels', 'x, y'],
      ['weights', '[[1],[2]]'],
      ['ok', true],
    ]);
  });

  test('takes any key for a key', () => {
    expect([...flattened(JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}'))]).toEqual([
      ['__proto__.x', 1],
      ['constructor', 2],
    ]);
  });
});

describe('comparing', () => {
  test('shows what differs, and the metrics side by side', () => {
    const database = openStudio();
    const one = claimedRun(database, { lr: 1e-4, seed: 1 });
    const two = claimedRun(database, { lr: 5e-5, seed: 1 });
    appendReports(database, one, [
      startedReport(),
      { kind: 'metrics', points: [samplePoint('step/loss', 1, 1.1), samplePoint('step/loss', 2, 0.9)] },
      { kind: 'finished', result: sampleResult },
    ]);
    const comparison = compareStoredRuns(database, [one, two]);
    expect(comparison.runs).toEqual([
      { id: one, name: null, state: 'completed' },
      { id: two, name: null, state: 'preparing' },
    ]);
    const different = new Map(differences(comparison.settings).map((row) => [row.key, row.values]));
    expect(different.get('hyperparameters.lr')).toEqual([1e-4, 5e-5]);
    expect(different.get('engine.device')).toEqual(['cpu', null]);
    expect([...different.keys()].filter((key) => !key.startsWith('engine'))).toEqual(['hyperparameters.lr']);
    expect(comparison.settings.find((row) => row.key === 'hyperparameters.seed')).toEqual({
      key: 'hyperparameters.seed',
      values: [1, 1],
      differs: false,
    });
    // Runs from before there was a choice do not say it.
    expect(comparison.settings.find((row) => row.key === 'tokenizer')?.values).toEqual(['words', 'words']);
    const metrics = new Map(comparison.metrics.map((row) => [row.key, row.values]));
    expect(metrics.get('step/loss')).toEqual([0.9, null]);
    expect(metrics.get('result.testAccuracy')).toEqual([0.784, null]);
  });

  test('does not call two NaN different, nor one run', () => {
    const database = openStudio();
    const record = findRun(database, claimedRun(database));
    const latest = new Map([['step/loss', Number.NaN]] as const);
    const { metrics, settings } = compareRuns([
      { record, latest },
      { record, latest },
    ]);
    expect(differences([...metrics, ...settings])).toEqual([]);
    expect(metrics.find((row) => row.key === 'step/loss')?.values).toEqual([Number.NaN, Number.NaN]);
    expect(compareRuns([]).settings).toEqual([]);
  });

  test('names the run that is not there', () => {
    const database = openStudio();
    const one = claimedRun(database);
    expect(studioErrorOf(() => compareStoredRuns(database, [one, 'rzzzzz'])).message).toContain('rzzzzz');
  });
});
