/** @file Tests. Runs on the engine webgpu in software: a worker trains, stops, goes on bit for bit; a lost device loses nothing. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, expect, it } from 'vitest';
import { StudioWebgpuBackend } from '../../../../main/engines/webgpu/backend.ts';
import { runTraining } from '../../../../main/training/trainingRun.ts';
import type { WorkerReport } from '../../../../shared/runs.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { setVariable } from '../../../support/fakePrograms.ts';
import { halfPrecisionForTests } from '../../../support/halfPrecisionHere.ts';
import { studioRejectionOf } from '../../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';
import {
  checkpointFolders,
  lossesOf,
  type PreparedRun,
  prepareRun,
  train,
  weightsOf,
} from '../../../support/trainedRun.ts';

const CHANGES = {
  ...{ layers: 1, epochs: 2, batchSize: 16, microBatchTokens: 128, lr: 0.003 },
  ...{ checkpointEvery: 2, clipNorm: 1, keep: 'last' },
};

beforeEach(({ skip }) => void engineForTests('webgpu', skip));

async function prepared(changes: Readonly<Record<string, unknown>> = {}): Promise<PreparedRun> {
  const folder = join(temporaryFolder(), 'data');
  mkdirSync(folder);
  return await prepareRun(folder, { ...CHANGES, ...changes }, { rows: 60, engine: 'webgpu' });
}

/** Trains in this process, so that its device can be reached. */
async function trainHere({ job }: PreparedRun, onReport: (report: WorkerReport) => void): Promise<void> {
  await runTraining(job, {
    report: onReport,
    beat: () => {},
    wishes: { stop: false, keep: false, pause: false },
    handOver: async () => {},
  });
}

it.for(['fp32', 'fp16'] as const)(
  'a run in %s that was stopped goes on bit for bit',
  async (precision, { skip }) => {
    if (precision === 'fp16') {
      await halfPrecisionForTests(skip);
      setVariable('ENTAIL_WEBGPU_UNTRIED', '1');
    }
    const whole = await prepared({ precision });
    const reference = train(whole);
    const done = await reference.done;
    expect(done).toMatchObject({ outcome: 'finished', result: { steps: 6 } });
    const started = reference.reports.find(({ kind }) => kind === 'started');
    expect(started).toMatchObject({
      engine: { engine: 'webgpu', deterministic: true, pinned: { precision } },
    });

    const stopped = await prepared({ precision });
    const first = train(stopped, {
      onReport: ({ kind }, training) => {
        if (kind === 'checkpoint') training.stop(false);
      },
    });
    expect(await first.done).toMatchObject({ outcome: 'stopped' });
    const second = train(stopped, { resume: true });
    expect(await second.done).toMatchObject({ outcome: 'finished' });
    expect(lossesOf([first.reports, second.reports])).toEqual(lossesOf([reference.reports]));
    expect(weightsOf(stopped)).toEqual(weightsOf(whole));
  },
);

it('a device that is lost in the middle fails the run, whose last checkpoint is good', async () => {
  const run = await prepared();
  const error = await studioRejectionOf(
    trainHere(run, ({ kind }) => {
      const backend = tf.backend();
      if (kind === 'checkpoint' && backend instanceof StudioWebgpuBackend) backend.device.destroy();
    }),
  );
  expect(error.code).toBe('DEVICE_LOST');
  expect(error.nextStep).toContain('Resume');
  expect(checkpointFolders(run)).toEqual(['step-00000002']);
  expect(await train(run, { resume: true }).done).toMatchObject({
    outcome: 'finished',
    result: { steps: 6 },
  });
});

it('memory that does not suffice names the micro-batch to try', async () => {
  const run = await prepared({ microBatchTokens: 1024 });
  const error = await studioRejectionOf(
    trainHere(run, ({ kind }) => {
      const backend = tf.backend();
      if (kind !== 'started' || !(backend instanceof StudioWebgpuBackend)) return;
      // As a GPU whose buffers are small.
      Object.defineProperty(backend.device, 'limits', {
        value: { ...limitsOf(backend.device), maxBufferSize: 2 ** 14 },
      });
    }),
  );
  expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', message: expect.stringContaining('MiB') });
  // Half of the first batch's tokens, which are fewer than the run allows.
  expect(error.nextStep).toContain(`npx --no entail runs resume ${run.job.runId} --micro-batch-tokens 108`);
  expect(error.offer).toEqual({ microBatchTokens: 108 });
});

/** Limits are getters of a class. */
const limitsOf = ({ limits }: GPUDevice): Record<string, unknown> =>
  Object.fromEntries(
    Object.keys(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(limits))).map((name) => [
      name,
      Reflect.get(limits, name),
    ]),
  );
