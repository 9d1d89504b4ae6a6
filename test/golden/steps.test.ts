/** @file Runs in tests. Whole training steps of every engine against PyTorch's: losses, norms, final weights. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AdamVariableFactory } from '../../main/model/adam.ts';
import { predictLogits } from '../../main/model/classifier.ts';
import { crossEntropy } from '../../main/model/kernels/crossEntropy.ts';
import type { PackedBatch } from '../../main/model/packedBatch.ts';
import { ClassifierTask } from '../../main/training/classifierTask.ts';
import { scheduleFactor } from '../../main/training/schedule.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { describeEngines } from './engines.ts';
import { expectNear, readFixture, type StepsVariant } from './fixtures.ts';
import { packedBatch, valuesOf } from './networks.ts';

const LOSS = 1e-5;
const GRADIENT = 1e-4;
// where the gradient is small, Adam's first steps turn its last digits into whole digits of the weight
const WEIGHT = 1e-4;

const { config, batches, parameters: golden, variants } = readFixture('steps.json');

function taskOf(variant: StepsVariant, factory: AdamVariableFactory): ClassifierTask {
  const { loss, optimizer, lr, weightDecay, clipNorm, schedule, warmup } = variant;
  const settings = { loss, optimizer, lr, weightDecay, clipNorm, schedule, warmup, dropout: 0 };
  return new ClassifierTask({
    config,
    hyperparameters: hyperparametersSchema.parse(settings),
    classWeights: null,
    factory,
    begin: ({ name }) => ({ value: Float32Array.from(golden[name]!.values), first: null, second: null }),
  });
}

/** The summed loss of a batch under the task's present weights. */
async function lossOf(task: ClassifierTask, batch: PackedBatch): Promise<number> {
  const loss = tf.tidy(() => {
    const losses = crossEntropy(predictLogits(config, task, batch), batch.labels, {
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
function microBatches(batch: (typeof batches)[number], plan: 'whole' | 'split'): PackedBatch[] {
  if (plan === 'whole') return [packedBatch(batch)];
  const pairs = batch.lengths.map((_, pair) => pair);
  return [0, 1].map((rest) =>
    packedBatch(
      batch,
      pairs.filter((pair) => pair % 2 === rest),
    ),
  );
}

async function checkTraining(
  variant: StepsVariant,
  plan: 'whole' | 'split',
  factory: AdamVariableFactory,
): Promise<void> {
  const task = taskOf(variant, factory);
  const between = async () => {};
  for (const [index, expected] of variant.steps.entries()) {
    const batch = batches[expected.batch]!;
    const lr = variant.lr * scheduleFactor(variant, index, variant.steps.length);
    const told = `step ${index + 1}`;
    expect(lr, `learning rate of ${told}`).toBeCloseTo(expected.learningRate, 9);
    const options = { step: index + 1, lr, betweenMicroBatches: between };
    const reading = await task.step(microBatches(batch, plan), options);
    const [loss, , norm] = await valuesOf(reading);
    reading.dispose();
    expectNear(`loss of ${told}`, [loss!], [expected.sumLoss], LOSS);
    expectNear(`gradient norm of ${told}`, [norm!], [expected.meanGradientNorm], GRADIENT);
    const after = await lossOf(task, packedBatch(batch));
    expectNear(`loss after ${told}`, [after], [expected.sumLossAfter], LOSS);
  }
  for (const [name, { values }] of Object.entries(variant.finalParameters))
    expectNear(`final ${name}`, await valuesOf(task.get(name)), values, WEIGHT);
  task.dispose();
}

describeEngines('training steps', ({ open }) => {
  let factory: AdamVariableFactory;
  beforeAll(async () => {
    factory = await open();
  });

  describe.each(variants)('$name', (variant) => {
    it('in one piece', () => checkTraining(variant, 'whole', factory));
    it('in two micro-batches', () => checkTraining(variant, 'split', factory));
  });
});
