/** @file Runs in tests. A step of pretraining on every engine against PyTorch's. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, it } from 'vitest';
import { FORWARD, GRADIENT } from '../../main/golden/comparison.ts';
import { PLAIN_PRETRAINING, PRETRAINING_WITH_DROPOUT, readGolden } from '../../main/golden/fixtures.ts';
import { PLANS } from '../../main/golden/networkChecks.ts';
import { valuesOf } from '../../main/golden/networks.ts';
import {
  comparePretrainingFigures,
  comparePretrainingGradients,
} from '../../main/golden/pretrainingChecks.ts';
import { linear } from '../../main/model/kernels/linear.ts';
import { vocabularyLoss } from '../../main/model/kernels/vocabularyLoss.ts';
import { describeEngines } from './engines.ts';
import { expectNear } from './fixtures.ts';

describeEngines('pretraining', ({ open, masksByPlace }) => {
  beforeAll(async () => {
    await open();
  });

  describe.each(masksByPlace ? [...PLAIN_PRETRAINING, ...PRETRAINING_WITH_DROPOUT] : PLAIN_PRETRAINING)(
    '%s',
    (file) => {
      it.each(PLANS)('gives losses and gradients $plan', ({ parts }) =>
        comparePretrainingGradients(readGolden(file), parts, expectNear),
      );
    },
  );

  it.each(PLAIN_PRETRAINING)('%s: evaluates to the same losses and logits', (file) =>
    comparePretrainingFigures(readGolden(file), expectNear),
  );

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
