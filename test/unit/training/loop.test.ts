/** @file Tests. The loop of epochs and steps, with a task that learns nothing and tells everything. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { registerCpu } from '../../../main/engines/cpu.ts';
import { TrainingLoop } from '../../../main/training/loop.ts';
import type { LoopListener, LoopTask } from '../../../main/training/loopParts.ts';
import { freshState, type LoopState } from '../../../main/training/loopState.ts';
import { StudioError } from '../../../shared/errors.ts';
import { hyperparametersSchema } from '../../../shared/hyperparameters.ts';
import type { MetricName, MetricPoint } from '../../../shared/runs.ts';

beforeAll(registerCpu);

interface Script {
  readonly pairs?: number;
  /** Accuracy of each evaluation in turn. */
  readonly accuracies?: readonly number[];
  readonly lossAt?: (step: number) => number;
  readonly stopAtStep?: number;
  readonly keep?: boolean;
  /** The step after which somebody pauses, and how many waits later they go on or stop. */
  readonly pauseAtStep?: number;
  readonly pauseFor?: number;
  readonly stopWhilePaused?: boolean;
  /** The disk is full for so many attempts to save. */
  readonly fullFor?: number;
  readonly selectsOnTest?: boolean;
  readonly hasSelection?: boolean;
}

/** Runs the loop on a scripted task and returns everything that happened, in order. */
async function run(changes: Record<string, unknown>, script: Script = {}, state: LoopState = freshState()) {
  const {
    pairs = 100,
    accuracies = [],
    lossAt = () => 1,
    selectsOnTest = false,
    hasSelection = true,
  } = script;
  const hyperparameters = hyperparametersSchema.parse({ batchSize: 10, epochs: 2, ...changes });
  const events: string[] = [];
  const points: MetricPoint[] = [];
  const saved: { kind: string; step: number }[] = [];
  let evaluations = 0;
  let step = state.step;
  const task: LoopTask = {
    trainPairs: pairs,
    selectionPairs: hasSelection ? 5 : 0,
    testPairs: 5,
    truncatedPairs: 3,
    further: null,
    trainStep: async (position) => {
      step = position.step;
      events.push(`step ${position.epoch}.${position.stepInEpoch}`);
      const size = Math.min(10, pairs - position.stepInEpoch * 10);
      return tf.tensor1d([lossAt(position.step) * size, size / 2, position.lr]);
    },
    evaluateSelection: async (at) => {
      events.push(`evaluate ${at.step}`);
      const accuracy = accuracies[evaluations++] ?? 0.5;
      return { accuracy, score: accuracy };
    },
    evaluateTest: async () => {
      events.push('test');
      return 0.75;
    },
    save: async (at, kind) => {
      if (fullFor > 0) {
        fullFor--;
        throw new StudioError('DISK_FULL', 'The disk is full.');
      }
      saved.push({ kind, step: at.step });
      events.push(`save ${kind} ${at.step}`);
    },
    restoreBest: async () => {
      events.push('restore best');
    },
  };
  let fullFor = script.fullFor ?? 0;
  let waits = 0;
  const wishes = {
    keep: script.keep ?? false,
    get pause() {
      return script.pauseAtStep === step && waits < (script.pauseFor ?? 0);
    },
    get stop() {
      const whilePaused = script.stopWhilePaused === true && waits > 0;
      return whilePaused || (script.stopAtStep !== undefined && step >= script.stopAtStep);
    },
  };
  const listener: LoopListener = {
    metrics: (some) => points.push(...some),
    progress: () => {},
    paused: (at, waitsFor) => events.push(`paused ${at.step} ${waitsFor?.code ?? 'asked'}`),
    continued: () => events.push('continued'),
    waiting: () => {
      waits++;
    },
  };
  const stepsPerEpoch = Math.ceil(pairs / 10);
  const options = {
    hyperparameters,
    stepsPerEpoch,
    selectsOnTest,
    wishes,
    waitMs: 1,
    checkpointEveryMs: 3_600_000,
  };
  const outcome = await new TrainingLoop(task, listener, options, state)
    .run()
    .catch((error: unknown) => ({ kind: 'failed' as const, error }));
  const valuesOf = (metric: MetricName) =>
    points.filter((point) => point.metric === metric).map(({ step: at, value }) => [at, value]);
  return { outcome, events, points, saved, valuesOf, state };
}

describe('epochs and steps', () => {
  it('goes through every batch, evaluates and saves after each epoch, tests at the end', async () => {
    const { events } = await run({}, { pairs: 25 });
    expect(events).toEqual([
      'step 0.0',
      'step 0.1',
      'step 0.2',
      'evaluate 3',
      'save last 3',
      'step 1.0',
      'step 1.1',
      'step 1.2',
      'evaluate 6',
      'save last 6',
      'test',
    ]);
  });

  it('reports every step, and the running means five times an epoch over the epoch so far', async () => {
    const { valuesOf } = await run({ epochs: 1 }, { pairs: 100, lossAt: (step) => step });
    expect(valuesOf('step/loss')).toEqual(Array.from({ length: 10 }, (_, at) => [at + 1, at + 1]));
    expect(valuesOf('running/loss')).toEqual([
      [2, 1.5],
      [4, 2.5],
      [6, 3.5],
      [8, 4.5],
      [10, 5.5],
    ]);
    expect(valuesOf('epoch/trainLoss')).toEqual([[10, 5.5]]);
    expect(valuesOf('epoch/trainAccuracy')).toEqual([[10, 0.5]]);
    expect(valuesOf('epoch/truncatedPairs')).toEqual([[10, 3]]);
  });

  it('does not divide by zero with fewer than five batches, and counts a smaller last one by its pairs', async () => {
    const { valuesOf, outcome } = await run({ epochs: 1 }, { pairs: 15, lossAt: (step) => step });
    expect(valuesOf('running/loss')).toEqual([
      [1, 1],
      [2, (1 * 10 + 2 * 5) / 15],
    ]);
    expect(outcome).toMatchObject({
      kind: 'finished',
      result: { trainLoss: (10 + 10) / 15, steps: 2, testAccuracy: 0.75 },
    });
  });

  it('follows the schedule', async () => {
    const { valuesOf } = await run({ epochs: 1, lr: 0.1, schedule: 'linear', warmup: 0.2 });
    const rates = valuesOf('step/learningRate').map(([, value]) => Number(value!.toFixed(5)));
    expect(rates).toEqual([0.05, 0.1, 0.1, 0.0875, 0.075, 0.0625, 0.05, 0.0375, 0.025, 0.0125]);
  });
});

describe('choosing', () => {
  it('stops early after so many evaluations without a better one, and ends with the best weights', async () => {
    const accuracies = [0.5, 0.7, 0.6, 0.7];
    const { events, outcome, saved } = await run(
      { epochs: 9, earlyStopping: 2, keep: 'best' },
      { pairs: 10, accuracies },
    );
    expect(events.filter((event) => event.startsWith('step'))).toHaveLength(4);
    expect(saved.filter(({ kind }) => kind === 'best')).toEqual([
      { kind: 'best', step: 1 },
      { kind: 'best', step: 2 },
    ]);
    expect(events.slice(-2)).toEqual(['restore best', 'test']);
    expect(outcome).toMatchObject({ result: { devAccuracy: 0.7, epochs: 4, selectedOnTest: false } });
  });

  it('stores what it ends with, and its figures, when it stops early inside an epoch', async () => {
    const changes = { epochs: 9, earlyStopping: 1, evaluateEvery: 2 };
    const { outcome, saved } = await run(changes, { pairs: 100, accuracies: [0.5, 0.4] });
    expect(saved).toEqual([{ kind: 'last', step: 4 }]);
    expect(outcome).toMatchObject({ result: { steps: 4, trainLoss: 1, trainAccuracy: 0.5 } });
  });

  it('says "selected on test" only when test labels made the choice', async () => {
    const onTest = await run({ keep: 'best' }, { selectsOnTest: true });
    expect(onTest.outcome).toMatchObject({ result: { selectedOnTest: true, devAccuracy: null } });
    const noChoice = await run({}, { selectsOnTest: true });
    expect(noChoice.outcome).toMatchObject({ result: { selectedOnTest: false } });
  });

  it('evaluates between epochs when it is asked to, but no step twice', async () => {
    const { events } = await run({ epochs: 1, evaluateEvery: 4 }, { pairs: 80 });
    expect(events.filter((event) => event.startsWith('evaluate'))).toEqual(['evaluate 4', 'evaluate 8']);
  });
});

describe('stopping and going on', () => {
  it('stops after the step in hand with a checkpoint, and goes on where it was', async () => {
    const first = await run({}, { pairs: 40, stopAtStep: 3 });
    expect(first.outcome).toEqual({ kind: 'stopped', result: null });
    expect(first.events).toEqual(['step 0.0', 'step 0.1', 'step 0.2', 'save last 3']);
    const second = await run({}, { pairs: 40 }, first.state);
    expect(second.events.slice(0, 3)).toEqual(['step 0.3', 'evaluate 4', 'save last 4']);
    const whole = await run({}, { pairs: 40 });
    expect([...first.valuesOf('running/loss'), ...second.valuesOf('running/loss')]).toEqual(
      whole.valuesOf('running/loss'),
    );
  });

  it('saves every so many steps', async () => {
    const { saved } = await run({ epochs: 1, checkpointEvery: 3 });
    expect(saved.map(({ step }) => step)).toEqual([3, 6, 9, 10]);
  });

  it('ends with an error and nothing saved of it when the loss is no longer a number', async () => {
    const { outcome, saved } = await run(
      { checkpointEvery: 3 },
      { lossAt: (step) => (step === 8 ? Number.NaN : 1) },
    );
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'LOSS_NOT_FINITE', message: expect.stringContaining('step 8') },
    });
    expect(saved.map(({ step }) => step)).toEqual([3, 6]);
  });
});

describe('pausing', () => {
  it('saves, waits and goes on with the same steps as without', async () => {
    const { events, valuesOf } = await run({ epochs: 1 }, { pairs: 30, pauseAtStep: 2, pauseFor: 3 });
    expect(events).toEqual([
      ...['step 0.0', 'step 0.1', 'save last 2', 'paused 2 asked', 'continued', 'step 0.2'],
      ...['evaluate 3', 'save last 3', 'test'],
    ]);
    const plain = await run({ epochs: 1 }, { pairs: 30 });
    expect(valuesOf('step/loss')).toEqual(plain.valuesOf('step/loss'));
  });

  it('can be ended by a stop, without another checkpoint', async () => {
    const script = { pairs: 30, pauseAtStep: 2, pauseFor: 100, stopWhilePaused: true };
    const { events, outcome } = await run({ epochs: 1 }, script);
    expect(events).toEqual(['step 0.0', 'step 0.1', 'save last 2', 'paused 2 asked']);
    expect(outcome).toEqual({ kind: 'stopped', result: null });
  });
});

describe('stopping to keep', () => {
  it('saves, evaluates the test split and tells the figures up to here', async () => {
    const { events, outcome } = await run(
      { epochs: 3 },
      { pairs: 40, stopAtStep: 6, keep: true, lossAt: (step) => step },
    );
    expect(events.slice(-3)).toEqual(['step 1.1', 'save last 6', 'test']);
    // Of the second epoch two batches were seen: losses 5 and 6.
    expect(outcome).toMatchObject({
      kind: 'stopped',
      result: { trainLoss: 5.5, trainAccuracy: 0.5, testAccuracy: 0.75, epochs: 1, steps: 6 },
    });
  });
});

describe('a full disk', () => {
  it('makes the run wait until there is room, and lose nothing', async () => {
    const { events, outcome } = await run({ epochs: 1 }, { pairs: 20, fullFor: 3 });
    expect(events).toEqual([
      ...['step 0.0', 'step 0.1', 'evaluate 2', 'paused 2 DISK_FULL', 'save last 2', 'continued', 'test'],
    ]);
    expect(outcome).toMatchObject({ kind: 'finished' });
  });

  it('fails the run when it is told to stop and cannot be saved', async () => {
    const { outcome } = await run({ epochs: 1 }, { pairs: 20, fullFor: 1000, stopAtStep: 2 });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'DISK_FULL' } });
  });
});
