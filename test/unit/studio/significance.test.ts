/** @file Tests. Runs against a baseline on the same rows: the difference, its interval, its p. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Databases } from '../../../main/studio/databases.ts';
import { ErrorAnalysisService } from '../../../main/studio/errorAnalysis.ts';
import { pairedDifferences } from '../../../main/studio/significance.ts';
import type { Dataset } from '../../../shared/datasets.ts';
import { numberedPairs } from '../../support/pairsCsv.ts';
import { freshDatabases, importPairs, predict, runOn } from '../../support/predictedRun.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';

const PAIRS = numberedPairs(100, ['a', 'b']);
let databases: Databases;
let analysis: ErrorAnalysisService;

beforeEach(() => {
  databases = freshDatabases();
  analysis = new ErrorAnalysisService(databases);
});
afterEach(() => databases.close());

/** A run that is right at the places that `right` says. */
function runRightAt(dataset: Dataset, right: (index: number) => boolean): string {
  const run = runOn(databases, dataset);
  const predicted = PAIRS.map(({ label }, at) => {
    const gold = dataset.labels.indexOf(label);
    return right(at) ? gold : 1 - gold;
  });
  predict(databases, run, { classes: 2, predicted });
  return run;
}

it('measures each run against the baseline, pair by pair', async () => {
  const dataset = await importPairs(databases, 'pairs', PAIRS);
  const baseline = runRightAt(dataset, (at) => at < 60);
  const better = runRightAt(dataset, (at) => at >= 2 && at < 70);
  const [difference, itself] = await pairedDifferences(analysis, {
    ...{ baseline, runs: [better, baseline], split: 'test' },
  });
  expect(difference).toMatchObject({
    ...{ run: better, comparable: true, pairs: 100, onlyRun: 10, onlyBaseline: 2 },
    difference: expect.closeTo(0.08, 12),
    // 2 * (1 + 12 + 66) / 2^12
    pValue: expect.closeTo(0.03857421875, 12),
  });
  // The deviation is sqrt((0.12 - 0.08²) / 100) = 0.0337, so that 95 % lie within 0.066.
  if (difference?.comparable !== true) throw new Error('not comparable');
  expect(Math.abs(difference.low - 0.014)).toBeLessThan(0.0151);
  expect(Math.abs(difference.high - 0.146)).toBeLessThan(0.0151);
  expect(itself).toEqual({
    ...{ run: baseline, comparable: true, pairs: 100, onlyRun: 0, onlyBaseline: 0 },
    ...{ difference: 0, low: 0, high: 0, pValue: 1 },
  });
});

it('says of each run that cannot be compared why, and compares the others', async () => {
  const dataset = await importPairs(databases, 'pairs', PAIRS);
  const baseline = runRightAt(dataset, (at) => at < 60);
  const elsewhere = runOn(databases, await importPairs(databases, 'others', PAIRS.slice(1)));
  const without = runOn(databases, dataset);
  const fine = runRightAt(dataset, (at) => at < 61);
  const runs = [elsewhere, without, 'r9zzzz', fine];
  const found = await pairedDifferences(analysis, { baseline, runs, split: 'test' });
  expect(found.map(({ run }) => run)).toEqual(runs);
  expect(found.map(({ comparable }) => comparable)).toEqual([false, false, false, true]);
  const reasons = found.map((one) => (one.comparable ? '' : one.reason));
  expect(reasons[0]).toContain('"others"');
  expect(reasons[1]).toContain('no stored predictions');
  expect(reasons[2]).toContain('r9zzzz');
});

it('refuses a baseline without predictions', async () => {
  const baseline = runOn(databases, await importPairs(databases, 'pairs', PAIRS));
  const asked = pairedDifferences(analysis, { baseline, runs: [baseline], split: 'test' });
  expect((await studioRejectionOf(asked)).code).toBe('NOT_FOUND');
});
