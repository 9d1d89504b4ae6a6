/** @file Tests. A pretraining that was killed goes on bit for bit, pairs and masks included; and on however many threads. */
import { describe, expect, it } from 'vitest';
import type { EngineName } from '../../shared/engines.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import { engineForTests } from '../support/enginesForTests.ts';
import { preparePretraining } from '../support/pretrainedRun.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { lossesOf, type PreparedRun, train, weightsOf } from '../support/trainedRun.ts';

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
  it('equals the uninterrupted one after kills at random moments', { timeout: 300_000 }, async ({ skip }) => {
    engineForTests(engine, skip);
    const whole = await prepared(engine);
    let startedMs = 0;
    const reference = train(whole, {
      onReport: ({ kind }) => {
        if (kind === 'started') startedMs = performance.now();
      },
    });
    expect(await reference.done).toMatchObject({ outcome: 'finished' });
    const trainingMs = performance.now() - startedMs;
    const broken = await prepared(engine);
    const attempts: (readonly WorkerReport[])[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const delayMs = (Math.random() * trainingMs) / KILLS;
      const attempt = train(broken, {
        resume: kill > 0,
        onReport: (report, training) => {
          if (report.kind === 'started') setTimeout(() => training.kill(), delayMs);
        },
      });
      expect(await attempt.done).toMatchObject({ error: { code: 'INTERRUPTED' } });
      attempts.push(attempt.reports);
    }
    const last = train(broken, { resume: true });
    expect(await last.done).toMatchObject({ outcome: 'finished' });
    attempts.push(last.reports);
    expect(lossesOf(attempts)).toEqual(lossesOf([reference.reports]));
    expect(weightsOf(broken)).toEqual(weightsOf(whole));
  });
});

it('gives the same weights on one thread and on two', { timeout: 120_000 }, async ({ skip }) => {
  engineForTests('native', skip);
  const [one, two] = [await prepared('native'), await prepared('native')];
  await finished({ ...one, job: { ...one.job, threads: 1 } });
  await finished({ ...two, job: { ...two.job, threads: 2 } });
  expect(weightsOf(one)).toEqual(weightsOf(two));
});

it('reports its losses, accuracies and evaluations under their names', { timeout: 60_000 }, async () => {
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
