/** @file Runs in the engine test's child. Twenty training steps as a run takes them, timed, and their losses against PyTorch's. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EngineName } from '../../shared/engines.ts';
import type { TrainedSteps } from '../../shared/engineTest.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { planMicroBatches } from '../data/batches.ts';
import type { AdamVariableFactory } from '../model/adam.ts';
import type { PackedBatch } from '../model/packedBatch.ts';
import { ClassifierTask, type StepReading } from '../training/classifierTask.ts';
import { microBatchTokensOf } from '../training/microBatchSize.ts';
import { type Compare, TRAINED_LOSS } from './comparison.ts';
import { drawBatch, drawParameter } from './drawnTraining.ts';
import type { DrawnTrainingCase } from './fixtures.ts';
import { valuesOf } from './networks.ts';
import { summedLoss } from './stepChecks.ts';

/** The first steps compile, load and warm up. */
const WARMING_STEPS = 2;

export interface TrainingWish {
  readonly engine: EngineName;
  readonly factory: AdamVariableFactory;
  readonly compare: Compare;
  /** After every micro-batch; `fraction` of the steps that are done. */
  readonly onStep: (fraction: number) => void;
}

/** Compares the loss before each step, and that of the first batch after all of them. */
export async function trainSteps(
  drawn: DrawnTrainingCase,
  { engine, factory, compare, onStep }: TrainingWish,
): Promise<TrainedSteps> {
  const { name, seed, steps, batchSize, learningRate, config, ...expected } = drawn;
  const batches = Array.from({ length: steps }, (_, step) => drawBatch(drawn, step));
  const microBatchTokens = microBatchTokensOf({ microBatchTokens: 0 }, config, engine);
  const members = Int32Array.from({ length: batchSize }, (_, pair) => pair);
  const plans = batches.map((batch) => planMicroBatches(batch, members, { microBatchTokens }));
  compare('tokens drawn', [batches.reduce((sum, { ids }) => sum + ids.length, 0)], [expected.tokens], 0);
  const task = new ClassifierTask({
    config,
    hyperparameters: hyperparametersSchema.parse({ lr: learningRate, loss: 'mean', dropout: 0 }),
    classWeights: null,
    factory,
    begin: (shape, position) => ({ value: drawParameter(seed, shape, position), first: null, second: null }),
  });
  const { readings, seconds } = await takeSteps(task, plans, { lr: learningRate, onStep });
  const losses: number[] = [];
  for (const reading of readings) {
    losses.push((await valuesOf(reading))[0]! / batchSize);
    reading.dispose();
  }
  for (const [step, loss] of losses.entries())
    compare(`loss of step ${step + 1}`, [loss], [expected.meanLosses[step]!], TRAINED_LOSS);
  const lossAfter = (await summedLossOf(task, plans[0]!)) / batchSize;
  compare(`loss after ${steps} steps`, [lossAfter], [expected.lossAfter], TRAINED_LOSS);
  task.dispose();
  return {
    network: name,
    steps,
    pairsPerStep: batchSize,
    lossBefore: losses[0]!,
    lossAfter,
    expectedLossAfter: expected.lossAfter,
    pairsPerSecond: ((steps - WARMING_STEPS) * batchSize) / seconds,
  };
}

/** Seconds of the steps after the warming ones, from the end of those to when the last one's figures can be read. */
async function takeSteps(
  task: ClassifierTask,
  plans: readonly (readonly PackedBatch[])[],
  { lr, onStep }: { readonly lr: number; readonly onStep: (fraction: number) => void },
): Promise<{ readings: StepReading[]; seconds: number }> {
  const readings: StepReading[] = [];
  let beganMs = performance.now();
  for (const [step, plan] of plans.entries()) {
    const betweenMicroBatches = async () => {
      onStep(step / plans.length);
      await nextTurn();
    };
    readings.push(await task.step(plan, { step: step + 1, lr, betweenMicroBatches }));
    if (step + 1 > WARMING_STEPS) continue;
    await valuesOf(readings.at(-1)!);
    beganMs = performance.now();
  }
  await valuesOf(readings.at(-1)!);
  return { readings, seconds: (performance.now() - beganMs) / 1000 };
}

async function summedLossOf(task: ClassifierTask, batches: readonly PackedBatch[]): Promise<number> {
  let sum = 0;
  for (const batch of batches) sum += await summedLoss(task, batch);
  return sum;
}
