/** @file Runs in the engine test's child. Whole training steps against PyTorch's: losses, norms, final weights. */
import * as tf from '@tensorflow/tfjs-core';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import type { AdamVariableFactory } from '../model/adam.ts';
import { predictLogits } from '../model/classifier.ts';
import { crossEntropy } from '../model/kernels/crossEntropy.ts';
import type { PackedBatch } from '../model/packedBatch.ts';
import { ClassifierTask } from '../training/classifierTask.ts';
import { scheduleFactor } from '../training/schedule.ts';
import { type Compare, FORWARD, GRADIENT, MOVEMENT, TRAINED_PARAMETER } from './comparison.ts';
import type { GoldenBatch, StepsFixture, StepsVariant } from './fixtures.ts';
import { packedBatch, valuesOf } from './networks.ts';

function taskOf(
  { config, parameters }: StepsFixture,
  variant: StepsVariant,
  factory: AdamVariableFactory,
): ClassifierTask {
  const { loss, optimizer, lr, weightDecay, clipNorm, schedule, warmup } = variant;
  const settings = { loss, optimizer, lr, weightDecay, clipNorm, schedule, warmup, dropout: 0 };
  return new ClassifierTask({
    config,
    hyperparameters: hyperparametersSchema.parse(settings),
    classWeights: null,
    factory,
    begin: ({ name }) => ({
      value: Float32Array.from(parameters[name]!.values),
      first: null,
      second: null,
    }),
  });
}

/** The summed loss of a batch under the task's present weights. */
export async function summedLoss(task: ClassifierTask, batch: PackedBatch): Promise<number> {
  const loss = tf.tidy(() => {
    const losses = crossEntropy(predictLogits(task.config, task, batch), batch.labels, {
      classWeights: null,
      labelSmoothing: 0,
    });
    return tf.sum(losses);
  });
  const value = (await valuesOf(loss))[0]!;
  loss.dispose();
  return value;
}

/** The plan: all pairs at once, or one micro-batch of the even and one of the odd ones. */
function microBatches(batch: GoldenBatch, plan: 'whole' | 'split'): PackedBatch[] {
  if (plan === 'whole') return [packedBatch(batch)];
  const pairs = batch.lengths.map((_, pair) => pair);
  return [0, 1].map((rest) =>
    packedBatch(
      batch,
      pairs.filter((pair) => pair % 2 === rest),
    ),
  );
}

export interface StepsWish {
  readonly variant: StepsVariant;
  readonly plan: 'whole' | 'split';
  readonly factory: AdamVariableFactory;
}

/** |final - expected| / |expected - begin|, Euclidean: a weight may move by less than its last digits. */
function movementError(
  begin: ArrayLike<number>,
  final: ArrayLike<number>,
  expected: ArrayLike<number>,
): number {
  let [off, moved] = [0, 0];
  for (let at = 0; at < begin.length; at++) {
    off += (final[at]! - expected[at]!) ** 2;
    moved += (expected[at]! - begin[at]!) ** 2;
  }
  return Math.sqrt(off / moved);
}

/** Every step's loss, gradient norm and loss afterwards, and the weights at the end. */
export async function compareSteps(
  fixture: StepsFixture,
  { variant, plan, factory }: StepsWish,
  compare: Compare,
): Promise<void> {
  const task = taskOf(fixture, variant, factory);
  const between = async () => {};
  for (const [index, expected] of variant.steps.entries()) {
    const batch = fixture.batches[expected.batch]!;
    const lr = variant.lr * scheduleFactor(variant, index, variant.steps.length);
    const told = `step ${index + 1}`;
    compare(`learning rate of ${told}`, [lr], [expected.learningRate], 1e-8);
    const options = { step: index + 1, lr, betweenMicroBatches: between };
    const reading = await task.step(microBatches(batch, plan), options);
    const [loss, , norm] = await valuesOf(reading);
    reading.dispose();
    compare(`loss of ${told}`, [loss!], [expected.sumLoss], FORWARD);
    compare(`gradient norm of ${told}`, [norm!], [expected.meanGradientNorm], GRADIENT);
    const after = await summedLoss(task, packedBatch(batch));
    compare(`loss after ${told}`, [after], [expected.sumLossAfter], FORWARD);
  }
  for (const [name, { values }] of Object.entries(variant.finalParameters)) {
    const final = await valuesOf(task.get(name));
    compare(`final ${name}`, final, values, TRAINED_PARAMETER);
    const begin = fixture.parameters[name]!.values;
    compare(`movement of ${name}`, [movementError(begin, final, values)], [0], MOVEMENT);
  }
  task.dispose();
}
