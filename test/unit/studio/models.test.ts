/** @file Tests. The list of models: runs with weights, best first, with the numbers of the weights that answer. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { setArchived } from '../../../main/db/annotations.ts';
import { claimRun } from '../../../main/db/lease.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { createRun } from '../../../main/db/runs.ts';
import type { Databases } from '../../../main/studio/databases.ts';
import { listModels } from '../../../main/studio/models.ts';
import { RunIndex } from '../../../main/studio/runIndex.ts';
import type { RunResult } from '../../../shared/runs.ts';
import { freshDatabases } from '../../support/predictedRun.ts';
import {
  sampleCheckpoint,
  sampleConfig,
  sampleEnvironment,
  sampleResult,
  startedReport,
} from '../../support/sampleRun.ts';

let databases: Databases;
beforeEach(() => {
  databases = freshDatabases();
});
afterEach(() => databases.close());

function run(
  checkpoints: readonly ReturnType<typeof sampleCheckpoint>[],
  { result, changes = {} }: { result?: Partial<RunResult>; changes?: Readonly<Record<string, unknown>> } = {},
): string {
  const store = databases.store();
  const id = createRun(store, { config: sampleConfig(changes), environment: sampleEnvironment });
  claimRun(store, id);
  appendReports(store, id, [
    startedReport(),
    ...checkpoints.map((checkpoint) => ({ kind: 'checkpoint', checkpoint }) as const),
    ...(result === undefined ? [] : [{ kind: 'finished', result: { ...sampleResult, ...result } } as const]),
  ]);
  return id;
}

const listed = () => listModels(databases, new RunIndex(databases));

it('holds every run with weights, best test accuracy first, then newest', () => {
  const goes = run([sampleCheckpoint(10)]);
  const good = run([sampleCheckpoint(20)], { result: { testAccuracy: 0.8 } });
  const best = run([sampleCheckpoint(20)], { result: { testAccuracy: 0.9, selectedOnTest: true } });
  const asGood = run([sampleCheckpoint(20)], { result: { testAccuracy: 0.8 } });
  const untested = run([sampleCheckpoint(20)], { result: { testAccuracy: null, devAccuracy: 0.99 } });
  run([], { result: { testAccuracy: 0.95 } });
  const archived = run([sampleCheckpoint(5)], { result: { testAccuracy: 0.99 } });
  setArchived(databases.store(), archived, true);
  expect(listed().map((model) => model.run)).toEqual([best, asGood, good, untested, goes]);
  expect(listed()[0]).toMatchObject({
    ...{
      state: 'completed',
      dataset: 'snli',
      pairs: true,
      testAccuracy: 0.9,
      selectedOnTest: true,
      step: 20,
    },
    // Five million 32-bit floats.
    ...{
      parameters: 5_000_000,
      weightsBytes: 20_000_000,
      labels: ['entailment', 'contradiction', 'neutral'],
    },
    ...{ colour: 2, model: { layers: 2, hidden: 256 } },
  });
  expect(listed().at(-1)).toMatchObject({ state: 'running', testAccuracy: null, devAccuracy: null });
});

it('names the step of the weights that a run stands for', () => {
  const checkpoints = [sampleCheckpoint(10, 'best'), sampleCheckpoint(20), sampleCheckpoint(30)];
  const keepsLast = run(checkpoints);
  const keepsBest = run(
    checkpoints.map((checkpoint) => ({ ...checkpoint, folder: `${checkpoint.folder}-${checkpoint.kind}` })),
    { changes: { keep: 'best' } },
  );
  const steps = new Map(listed().map((model) => [model.run, model.step]));
  expect(steps.get(keepsLast)).toBe(30);
  expect(steps.get(keepsBest)).toBe(10);
});

it('leaves out a run that is about to be deleted', () => {
  const id = run([sampleCheckpoint(10)]);
  const index = new RunIndex(databases);
  index.hide([id], true);
  expect(listModels(databases, index)).toEqual([]);
  index.hide([id], false);
  expect(listModels(databases, index).map((model) => model.run)).toEqual([id]);
});
