/** @file Runs in tests. Forward and backward pass of every engine against the golden networks. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { classify, gatherTokenRows, predictLogits } from '../../main/model/classifier.ts';
import { everyRow } from '../../main/model/distinctRows.ts';
import { microBatchGradients } from '../../main/model/gradients.ts';
import { crossEntropy } from '../../main/model/kernels/crossEntropy.ts';
import { describeEngines } from './engines.ts';
import { expectNear, type ModelFixture, readFixture, relativeDistance } from './fixtures.ts';
import { GradientSum, packedBatch, parametersOf, valuesOf } from './networks.ts';

const FORWARD = 1e-5;
const GRADIENT = 1e-4;

const PLAIN = [
  'model_book.json',
  'model_book_deep.json',
  'model_single_layer.json',
  'model_hf_variant.json',
  'model_odd_sizes.json',
  'model_distilbert.json',
] as const;
const WITH_DROPOUT = [
  'model_dropout.json',
  'model_hf_dropout.json',
  'model_odd_dropout.json',
  'model_distilbert_dropout.json',
] as const;

/** The lengths are 7, 16, 3, 11, 8: the whole batch, and a plan of micro-batches sorted by length. */
const PLANS = [
  { plan: 'in one piece', parts: [[0, 1, 2, 3, 4]] },
  { plan: 'in micro-batches', parts: [[2, 0], [4, 3], [1]] },
] as const;
const LAST_LAYERS = [{ lastLayer: 'all' }, { lastLayer: 'first' }] as const;

const isKeyBias = (name: string) => name.endsWith('attention.W_k.bias');

/** The dropout source of a fixture, or null when it has none. */
function dropoutOf({ config, dropout }: ModelFixture) {
  return dropout === undefined ? null : { rate: config.dropout, ...dropout, microBatch: 0 };
}

async function checkLayers(fixture: ModelFixture): Promise<void> {
  const { config, batch: golden, expected } = fixture;
  const batch = packedBatch(golden);
  const parameters = parametersOf(config, fixture.parameters);
  const outputs: tf.Tensor[] = [];
  tf.tidy(() => {
    const rows = everyRow(batch);
    const input = { tokenRows: gatherTokenRows(parameters, rows.ids), rows, batch };
    const logits = classify(config, (name) => parameters.get(name), input, {
      dropout: dropoutOf(fixture),
      lastLayer: 'all',
      onLayer: (_, output) => outputs.push(tf.keep(output)),
    });
    outputs.push(tf.keep(logits));
  });
  expect(outputs.length).toBe(config.layers + 1);
  for (const [layer, rows] of [...expected.layers, expected.logits].entries())
    expectNear(`output ${layer}`, await valuesOf(outputs[layer]!), rows.values, FORWARD);
  tf.dispose(outputs);
  parameters.dispose();
}

async function checkGradients(
  fixture: ModelFixture,
  lastLayer: 'first' | 'all',
  parts: readonly (readonly number[])[],
): Promise<void> {
  const { config, expected } = fixture;
  const parameters = parametersOf(config, fixture.parameters);
  const sum = new GradientSum(config);
  const before = tf.memory().numTensors;
  for (const part of parts) {
    const batch = packedBatch(fixture.batch, [...part]);
    const options = { lastLayer, dropout: dropoutOf(fixture), scale: 1, freezeEncoder: false };
    const loss = { classWeights: null, labelSmoothing: 0 };
    await sum.add(batch, microBatchGradients(config, parameters, batch, { ...options, ...loss }));
  }
  expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
  expectNear('loss', [sum.loss], [expected.sumLoss], FORWARD);
  const logits = fixture.batch.lengths.flatMap((_, pair) => sum.logits.get(pair)!);
  expectNear('logits', logits, expected.logits.values, FORWARD);
  for (const [name, { values }] of Object.entries(expected.gradients)) {
    if (isKeyBias(name)) expectNoise(name, sum, fixture);
    else expectNear(`gradient of ${name}`, sum.get(name) ?? [], values, GRADIENT);
  }
  parameters.dispose();
}

/** The keys' bias has no gradient: none is given, or rounding noise beside the gradient of the keys' weight. */
function expectNoise(name: string, sum: GradientSum, { expected }: ModelFixture): void {
  const weight = expected.gradients[name.replace('bias', 'weight')]!.values;
  const largest = Math.max(...weight.map(Math.abs));
  const noise = Math.max(0, ...(sum.get(name) ?? []).map(Math.abs));
  expect(noise / largest, `noise in ${name}`).toBeLessThanOrEqual(GRADIENT);
}

async function checkWeightedLoss({ config, batch, expected }: ModelFixture): Promise<void> {
  const { classWeights, labelSmoothing, ...weighted } = expected.weighted!;
  const labels = Int32Array.from(batch.labels);
  const logits = tf.tensor2d([...expected.logits.values], [labels.length, config.classes]);
  const check = async (
    options: Parameters<typeof crossEntropy>[2],
    goal: Omit<typeof weighted, 'meanDivisor' | 'meanLoss'>,
  ) => {
    const losses = tf.tidy(() => crossEntropy(logits, labels, options));
    const gradient = tf.grad((x) => tf.sum(crossEntropy(x as tf.Tensor2D, labels, options)))(logits);
    expectNear('losses of the pairs', await valuesOf(losses), goal.pairLosses, FORWARD);
    expectNear('gradient of the logits', await valuesOf(gradient), goal.logitsGradient.values, FORWARD);
    tf.dispose([losses, gradient]);
  };
  await check({ classWeights: null, labelSmoothing: 0 }, expected);
  await check({ classWeights, labelSmoothing }, weighted);
  logits.dispose();
}

describeEngines('the network', ({ open, masksByPlace }) => {
  beforeAll(async () => {
    await open();
  });

  describe.each(masksByPlace ? [...PLAIN, ...WITH_DROPOUT] : PLAIN)('%s', (file) => {
    const fixture = readFixture(file);

    it('gives every layer and the logits', () => checkLayers(fixture));

    describe.each(LAST_LAYERS)('last layer: $lastLayer', ({ lastLayer }) => {
      it.each(PLANS)('gives loss and gradients $plan', ({ parts }) =>
        checkGradients(fixture, lastLayer, parts),
      );
    });
  });

  it.each(PLAIN)('%s: predicts the logits', async (file) => {
    const { config, parameters: golden, batch, expected } = readFixture(file);
    const parameters = parametersOf(config, golden);
    const logits = predictLogits(config, parameters, packedBatch(batch));
    expectNear('logits', await valuesOf(logits), expected.logits.values, FORWARD);
    logits.dispose();
    parameters.dispose();
  });

  it.each(PLAIN)('%s: gives losses with class weights and label smoothing', (file) =>
    checkWeightedLoss(readFixture(file)),
  );
});

describe('the comparison itself', () => {
  it('measures by the largest expected value and never overlooks NaN', () => {
    expect(relativeDistance([1, 2, -4.4], [1, 2, -4])).toBeCloseTo(0.1, 12);
    expect(relativeDistance([1, Number.NaN, 3], [1, 2, 3])).toBeNaN();
    expect(relativeDistance([0.5], [0])).toBe(0.5);
  });
});
