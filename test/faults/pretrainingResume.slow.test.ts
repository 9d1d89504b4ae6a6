/** @file Tests. A pretraining that was killed goes on bit for bit, pairs and masks included; and on however many threads. */
import { describe, expect, it } from 'vitest';
import type { EngineName } from '../../shared/engines.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import { engineForTests } from '../support/enginesForTests.ts';
import { expectSameThroughKills } from '../support/killedRuns.ts';
import { preparePretraining } from '../support/pretrainedRun.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { type PreparedRun, train, weightsOf } from '../support/trainedRun.ts';

const CHANGES = {
  epochs: 12,
  batchSize: 32,
  microBatchTokens: 256,
  checkpointEvery: 5,
  evaluateEvery: 7,
  keep: 'best',
  clipNorm: 1,
};
const KILLS = 4;
const prepared = (engine: EngineName) => preparePretraining(temporaryFolder(), CHANGES, { engine });

async function finished(run: PreparedRun): Promise<readonly WorkerReport[]> {
  const attempt = train(run);
  expect(await attempt.done).toMatchObject({ outcome: 'finished' });
  return attempt.reports;
}

describe.each(['native', 'wasm'] as const)('a pretraining on %s', (engine) => {
  it('equals the uninterrupted one after kills at random moments', async ({ skip }) => {
    engineForTests(engine, skip);
    await expectSameThroughKills(() => prepared(engine), KILLS);
  });
});

it('gives the same weights on one thread and on two', async ({ skip }) => {
  engineForTests('native', skip);
  const [one, two] = [await prepared('native'), await prepared('native')];
  await finished({ ...one, job: { ...one.job, threads: 1 } });
  await finished({ ...two, job: { ...two.job, threads: 2 } });
  expect(weightsOf(one)).toEqual(weightsOf(two));
});

it('reports its losses, accuracies and evaluations under their names', async () => {
  const run = await preparePretraining(temporaryFolder(), { epochs: 2, batchSize: 32 });
  const reports = await finished(run);
  const points = reports.flatMap((report) => (report.kind === 'metrics' ? report.points : []));
  const measured = new Set(points.map(({ metric }) => metric));
  for (const split of ['step', 'epoch', 'dev'] as const)
    for (const name of ['maskedLoss', 'maskedAccuracy', 'nextLoss'] as const)
      expect(measured.has(`${split}/${name}`), `${split}/${name}`).toBe(true);
  const [first] = points.filter(({ metric }) => metric === 'step/maskedLoss');
  // Nothing is known of the words yet: a loss of about the logarithm of their number.
  expect(Math.abs(first!.value - Math.log(run.config.model.vocabularySize))).toBeLessThan(0.7);
  const evaluations = reports.filter(({ kind }) => kind === 'evaluation');
  expect(evaluations).toHaveLength(2);
  const end = reports.at(-1)!;
  expect(end).toMatchObject({ kind: 'finished', result: { pretraining: {} } });
});
