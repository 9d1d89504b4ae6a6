/** @file Runs in the engine test's child. Forward and backward pass of the current engine against golden networks. */
import * as tf from '@tensorflow/tfjs-core';
import { classify, gatherTokenRows, predictLogits } from '../model/classifier.ts';
import { everyRow } from '../model/distinctRows.ts';
import { microBatchGradients } from '../model/gradients.ts';
import { crossEntropy } from '../model/kernels/crossEntropy.ts';
import { type Compare, FORWARD, GRADIENT } from './comparison.ts';
import type { ModelFixture } from './fixtures.ts';
import { GradientSum, packedBatch, parametersOf, valuesOf } from './networks.ts';

/** Pairs of each micro-batch. The lengths are 7, 16, 3, 11, 8: all at once, and a plan sorted by length. */
export type MicroBatchPlan = readonly (readonly number[])[];
export const PLANS = [
  { plan: 'in one piece', parts: [[0, 1, 2, 3, 4]] },
  { plan: 'in micro-batches', parts: [[2, 0], [4, 3], [1]] },
] as const satisfies readonly { readonly plan: string; readonly parts: MicroBatchPlan }[];

const isKeyBias = (name: string) => name.endsWith('attention.W_k.bias');

/** The dropout source of a fixture, or null when it has none. */
function dropoutOf({ config, dropout }: ModelFixture) {
  return dropout === undefined ? null : { rate: config.dropout, ...dropout, microBatch: 0 };
}

/** The rows after every layer, and the logits. */
export async function compareLayers(fixture: ModelFixture, compare: Compare): Promise<void> {
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
  compare('number of layers', [outputs.length], [config.layers + 1], 0);
  for (const [layer, rows] of [...expected.layers, expected.logits].entries())
    compare(`output ${layer}`, await valuesOf(outputs[layer]!), rows.values, FORWARD);
  tf.dispose(outputs);
  parameters.dispose();
}

/** Loss, logits, the gradient of every parameter, and that no tensor is left behind. */
export async function compareGradients(
  fixture: ModelFixture,
  { lastLayer, parts }: { readonly lastLayer: 'first' | 'all'; readonly parts: MicroBatchPlan },
  compare: Compare,
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
  compare('tensors left behind', [tf.memory().numTensors], [before], 0);
  compare('loss', [sum.loss], [expected.sumLoss], FORWARD);
  const logits = fixture.batch.lengths.flatMap((_, pair) => sum.logits.get(pair)!);
  compare('logits', logits, expected.logits.values, FORWARD);
  for (const [name, { values }] of Object.entries(expected.gradients)) {
    if (isKeyBias(name)) compareNoise(name, sum, { fixture, compare });
    else compare(`gradient of ${name}`, sum.get(name) ?? [], values, GRADIENT);
  }
  parameters.dispose();
}

/** The keys' bias has no gradient: none is given, or rounding noise beside the gradient of the keys' weight. */
function compareNoise(
  name: string,
  sum: GradientSum,
  { fixture, compare }: { readonly fixture: ModelFixture; readonly compare: Compare },
): void {
  const weight = fixture.expected.gradients[name.replace('bias', 'weight')]!.values;
  const largest = Math.max(...weight.map(Math.abs));
  const noise = Math.max(0, ...(sum.get(name) ?? []).map(Math.abs));
  compare(`noise in ${name}`, [noise / largest], [0], GRADIENT);
}

/** What finished weights answer. */
export async function comparePrediction(fixture: ModelFixture, compare: Compare): Promise<void> {
  const { config, parameters: golden, batch, expected } = fixture;
  const parameters = parametersOf(config, golden);
  const logits = predictLogits(config, parameters, packedBatch(batch));
  compare('logits', await valuesOf(logits), expected.logits.values, FORWARD);
  logits.dispose();
  parameters.dispose();
}

/** Losses and their gradients by logits: plain, and with class weights and label smoothing. */
export async function compareLosses(
  { config, batch, expected }: ModelFixture,
  compare: Compare,
): Promise<void> {
  const { classWeights, labelSmoothing, ...weighted } = expected.weighted!;
  const labels = Int32Array.from(batch.labels);
  const logits = tf.tensor2d([...expected.logits.values], [labels.length, config.classes]);
  const check = async (
    options: Parameters<typeof crossEntropy>[2],
    goal: Omit<typeof weighted, 'meanDivisor' | 'meanLoss'>,
  ) => {
    const losses = tf.tidy(() => crossEntropy(logits, labels, options));
    const gradient = tf.grad((x) => tf.sum(crossEntropy(x as tf.Tensor2D, labels, options)))(logits);
    compare('losses of the pairs', await valuesOf(losses), goal.pairLosses, FORWARD);
    compare('gradient of the logits', await valuesOf(gradient), goal.logitsGradient.values, FORWARD);
    tf.dispose([losses, gradient]);
  };
  await check({ classWeights: null, labelSmoothing: 0 }, expected);
  await check({ classWeights, labelSmoothing }, weighted);
  logits.dispose();
}
