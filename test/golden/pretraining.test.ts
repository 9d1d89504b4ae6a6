/** @file Runs in tests. A step of pretraining on every engine against PyTorch's. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { linear } from '../../main/model/kernels/linear.ts';
import { vocabularyLoss } from '../../main/model/kernels/vocabularyLoss.ts';
import type { MaskedBatch } from '../../main/model/maskedBatch.ts';
import { pretrainingShapes } from '../../main/model/parameters.ts';
import { pretrainingFigures } from '../../main/model/pretrainer.ts';
import { type PretrainingGradients, pretrainingGradients } from '../../main/model/pretrainingGradients.ts';
import { describeEngines } from './engines.ts';
import { expectNear, type PretrainingFixture, readFixture } from './fixtures.ts';
import { GradientSum, packedBatch, parametersOf, valuesOf } from './networks.ts';

const FORWARD = 1e-5;
const GRADIENT = 1e-4;
const PLAIN = ['pretraining_book.json', 'pretraining_odd.json'] as const;
const WITH_DROPOUT = ['pretraining_dropout.json'] as const;

/** The lengths are 7, 16, 5, 11, 8: the whole batch, and a plan of micro-batches sorted by length. */
const PLANS = [
  { plan: 'in one piece', parts: [[0, 1, 2, 3, 4]] },
  { plan: 'in micro-batches', parts: [[2, 0], [4, 3], [1]] },
] as const;

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
function asMicroBatch({ dense, tokenRows }: PretrainingGradients, batch: MaskedBatch) {
  const nothing = { loss: tf.scalar(0), logits: tf.zeros([batch.pairs, 2]) as tf.Tensor2D };
  return { ...nothing, dense, tokenRows };
}

async function check(fixture: PretrainingFixture, parts: readonly (readonly number[])[]): Promise<void> {
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
    await gradients.add(batch, asMicroBatch(ofPart, batch));
  }
  expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
  expectNear('losses', [sums[0]!, sums[2]!], [sum(expected.maskedLosses), sum(expected.nextLosses)], FORWARD);
  expect(sums[1], 'words told correctly').toBe(expected.maskedCorrect);
  for (const [name, { values }] of Object.entries(expected.gradients)) {
    // Without a gradient but rounding noise: see model.test.ts.
    if (name.endsWith('attention.W_k.bias')) continue;
    expectNear(`gradient of ${name}`, gradients.get(name) ?? [], values, GRADIENT);
  }
  parameters.dispose();
}

describeEngines('pretraining', ({ open, masksByPlace }) => {
  beforeAll(async () => {
    await open();
  });

  describe.each(masksByPlace ? [...PLAIN, ...WITH_DROPOUT] : PLAIN)('%s', (file) => {
    const fixture = readFixture(file);

    it.each(PLANS)('gives losses and gradients $plan', ({ parts }) => check(fixture, parts));
  });

  it.each(PLAIN)('%s: evaluates to the same losses and logits', async (file) => {
    const fixture = readFixture(file);
    const { config, expected } = fixture;
    const parameters = parametersOf(config, fixture.parameters, pretrainingShapes(config));
    const before = tf.memory().numTensors;
    const { sums, nextLogits } = pretrainingFigures(
      config,
      parameters,
      maskedBatch(fixture, [0, 1, 2, 3, 4]),
    );
    const [maskedLoss, maskedCorrect, nextLoss] = await valuesOf(sums);
    expectNear(
      'losses',
      [maskedLoss!, nextLoss!],
      [sum(expected.maskedLosses), sum(expected.nextLosses)],
      FORWARD,
    );
    expect(maskedCorrect).toBe(expected.maskedCorrect);
    expectNear('logits', await valuesOf(nextLogits), expected.nextLogits.values, FORWARD);
    tf.dispose([sums, nextLogits]);
    expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
    parameters.dispose();
  });

  it('makes the same loss and gradients of a vocabulary in pieces of rows', async () => {
    const x = tf.randomNormal([7, 6], 0, 1, 'float32', 3) as tf.Tensor2D;
    const weight = tf.randomNormal([11, 6], 0, 1, 'float32', 4) as tf.Tensor2D;
    const bias = tf.randomNormal([11], 0, 1, 'float32', 5) as tf.Tensor1D;
    const ids = Int32Array.of(0, 10, 3, 3, 7, 1, 5);
    const composite = tf.valueAndGrads((a, w, b) => {
      const logits = linear(a as tf.Tensor2D, { weight: w as tf.Tensor2D, bias: b as tf.Tensor1D });
      const targets = tf.cast(tf.oneHot(tf.tensor1d(ids, 'int32'), 11), 'float32');
      return tf.neg(tf.sum(tf.mul(targets, tf.logSoftmax(logits)))) as tf.Scalar;
    })([x, weight, bias]);
    for (const rowsAtOnce of [1, 3, 7, 100]) {
      const inPieces = tf.valueAndGrads((a, w, b) => {
        const layer = { weight: w as tf.Tensor2D, bias: b as tf.Tensor1D };
        const { loss, correct } = vocabularyLoss(a as tf.Tensor2D, layer, ids, { trains: true, rowsAtOnce });
        correct.dispose();
        return loss;
      })([x, weight, bias]);
      expectNear('loss', await valuesOf(inPieces.value), await valuesOf(composite.value), FORWARD);
      for (const [at, gradient] of composite.grads.entries())
        expectNear(`gradient ${at}`, await valuesOf(inPieces.grads[at]!), await valuesOf(gradient), GRADIENT);
      tf.dispose([inPieces.value, inPieces.grads]);
    }
    tf.dispose([x, weight, bias, composite.value, composite.grads]);
  });
});
