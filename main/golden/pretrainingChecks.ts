/** @file Runs in the engine test's child. A step of pretraining on the current engine against PyTorch's. */
import * as tf from '@tensorflow/tfjs-core';
import type { MaskedBatch } from '../model/maskedBatch.ts';
import { pretrainingShapes } from '../model/parameters.ts';
import { pretrainingFigures } from '../model/pretrainer.ts';
import { type PretrainingGradients, pretrainingGradients } from '../model/pretrainingGradients.ts';
import { type Compare, FORWARD, GRADIENT } from './comparison.ts';
import type { PretrainingFixture } from './fixtures.ts';
import type { MicroBatchPlan } from './networkChecks.ts';
import { GradientSum, packedBatch, parametersOf, valuesOf } from './networks.ts';

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function maskedBatch({ batch: golden }: PretrainingFixture, chosen: readonly number[]): MaskedBatch {
  const batch = packedBatch(golden, [...chosen]);
  const begins = golden.maskedPlaces.map((_, pair) => golden.maskedPlaces.slice(0, pair).flat().length);
  const maskedRows = chosen.flatMap((pair, at) =>
    golden.maskedPlaces[pair]!.map((place) => batch.offsets[at]! + place),
  );
  const maskedIds = chosen.flatMap((pair) =>
    golden.maskedPlaces[pair]!.map((_, at) => golden.maskedIds[begins[pair]! + at]!),
  );
  return { ...batch, maskedRows: Int32Array.from(maskedRows), maskedIds: Int32Array.from(maskedIds) };
}

/** Fits the shared sum: its loss and logits are looked at by themselves. */
function asMicroBatch({ dense, tokenRows }: PretrainingGradients) {
  const nothing = { loss: tf.scalar(0), logits: tf.zeros([1, 2]) as tf.Tensor2D };
  return { ...nothing, dense, tokenRows };
}

/** Losses of masked words and of next sentences, and every gradient. */
export async function comparePretrainingGradients(
  fixture: PretrainingFixture,
  parts: MicroBatchPlan,
  compare: Compare,
): Promise<void> {
  const { config, expected, dropout } = fixture;
  const parameters = parametersOf(config, fixture.parameters, pretrainingShapes(config));
  const gradients = new GradientSum(config);
  const before = tf.memory().numTensors;
  let sums = [0, 0, 0, 0];
  for (const part of parts) {
    const batch = maskedBatch(fixture, part);
    const ofPart = pretrainingGradients(config, parameters, batch, {
      dropout: dropout === undefined ? null : { rate: config.dropout, ...dropout, microBatch: 0 },
      maskedTotal: expected.maskedLosses.length,
      pairsTotal: expected.nextLosses.length,
    });
    const values = await valuesOf(ofPart.sums);
    sums = sums.map((total, at) => total + values[at]!);
    ofPart.sums.dispose();
    await gradients.add(batch, asMicroBatch(ofPart));
  }
  compare('tensors left behind', [tf.memory().numTensors], [before], 0);
  compare('losses', [sums[0]!, sums[2]!], [sum(expected.maskedLosses), sum(expected.nextLosses)], FORWARD);
  compare('words told correctly', [sums[1]!], [expected.maskedCorrect], 0);
  for (const [name, { values }] of Object.entries(expected.gradients)) {
    // Without a gradient but rounding noise: see networkChecks.ts.
    if (name.endsWith('attention.W_k.bias')) continue;
    compare(`gradient of ${name}`, gradients.get(name) ?? [], values, GRADIENT);
  }
  parameters.dispose();
}

/** The same losses, and the logits of the next sentence, without gradients. */
export async function comparePretrainingFigures(
  fixture: PretrainingFixture,
  compare: Compare,
): Promise<void> {
  const { config, expected } = fixture;
  const parameters = parametersOf(config, fixture.parameters, pretrainingShapes(config));
  const before = tf.memory().numTensors;
  const batch = maskedBatch(fixture, [...fixture.batch.lengths.keys()]);
  const { sums, nextLogits } = pretrainingFigures(config, parameters, batch);
  const [maskedLoss, maskedCorrect, nextLoss] = await valuesOf(sums);
  const goal = [sum(expected.maskedLosses), sum(expected.nextLosses)];
  compare('losses', [maskedLoss!, nextLoss!], goal, FORWARD);
  compare('words told correctly', [maskedCorrect!], [expected.maskedCorrect], 0);
  compare('logits', await valuesOf(nextLogits), expected.nextLogits.values, FORWARD);
  tf.dispose([sums, nextLogits]);
  compare('tensors left behind', [tf.memory().numTensors], [before], 0);
  parameters.dispose();
}
