/**
 * @file Tests. Linear layers, projections, losses and norms of the engines that have kernels of their own, forward and
 * backward, against their composites in plain ops on `cpu`: over odd sizes and over the edges of tiles.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { countCorrect, crossEntropy } from '../../../main/model/kernels/crossEntropy.ts';
import { gradientNorm } from '../../../main/model/kernels/gradientNorm.ts';
import { type Activation, linear } from '../../../main/model/kernels/linear.ts';
import { projections } from '../../../main/model/kernels/projections.ts';
import { engineForTests } from '../../support/enginesForTests.ts';
import { COMPILING_TIMEOUT_MS, expectNear, expectSame, random } from '../../support/fusedWork.ts';
import { Inputs, valuesOn } from '../../support/onEngine.ts';

describe.each(['native', 'webgpu'] as const)('%s', { timeout: COMPILING_TIMEOUT_MS }, (engine) => {
  beforeEach(({ skip }) => void engineForTests(engine, skip));

  describe('linear', () => {
    const activations: Activation[] = ['none', 'relu', 'tanh', 'gelu', 'gelu_tanh'];
    const sizes = [
      [1, 1, 1],
      [3, 5, 7],
      [17, 64, 33],
      [130, 96, 48],
      [257, 31, 129],
      [600, 68, 132],
    ] as const;
    describe.each(activations)('%s', (activation) => {
      it.each(sizes)('x [%i, %i] -> %i', (rows, into, out) => {
        const inputs = new Inputs(rows);
        const tensors = [random(inputs, rows, into), random(inputs, out, into), random(inputs, out)];
        const forward = (x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D) =>
          linear(x, { weight, bias }, activation);
        return expectSame({ tensors, forward }, rows, engine);
      });
    });

    it.each([
      [77, 24],
      [520, 36],
      [9, 7],
    ])('three on the same %i rows of %i', (rows, width) => {
      const inputs = new Inputs(3);
      const layers = [0, 1, 2].flatMap(() => [random(inputs, width, width), random(inputs, width)]);
      const forward = (x: tf.Tensor2D, ...rest: tf.Tensor[]) => {
        const layer = (at: number) => ({
          weight: rest[at * 2] as tf.Tensor2D,
          bias: rest[at * 2 + 1] as tf.Tensor1D,
        });
        const [q, k, v] = projections(x, [layer(0), layer(1), layer(2)]);
        return tf.concat([q, tf.mul(k, 2), tf.square(v)], 1);
      };
      return expectSame({ tensors: [random(inputs, rows, width), ...layers], forward }, 3, engine);
    });
  });

  describe('what a step is read by', () => {
    it.each([
      [1, 2],
      [5, 3],
      [64, 7],
      [9, 1000],
    ])('cross-entropy and count of %i pairs in %i classes', async (pairs, classes) => {
      const inputs = new Inputs(pairs);
      const labels = inputs.whole(pairs, classes);
      const logits = random(inputs, pairs, classes);
      const plain = { classWeights: null, labelSmoothing: 0 };
      await expectSame(
        { tensors: [logits], forward: (x: tf.Tensor2D) => crossEntropy(x, labels, plain) },
        pairs,
        engine,
      );
      const count = () => {
        // Equal logits: the first counts.
        const rounded = tf.tensor2d(logits.values.map(Math.round), [pairs, classes]);
        return [countCorrect(rounded, labels), countCorrect(rounded, firstOfLargest(logits.values, classes))];
      };
      expect(await valuesOn(engine, count)).toEqual(await valuesOn('cpu', count));
    });

    it('the norm of tensors of all sizes', async () => {
      const inputs = new Inputs(1);
      const sizes = [[1], [33, 7], [5000], [2, 3, 4], [20_011], ...Array.from({ length: 20 }, () => [3, 3])];
      const all = sizes.map((shape) => random(inputs, ...shape));
      const norm = () => [gradientNorm(all.map(({ values, shape }) => tf.tensor(values, shape)))];
      expectNear(await valuesOn(engine, norm), await valuesOn('cpu', norm));
    });
  });
});

/** Of each row of rounded numbers. */
function firstOfLargest(values: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: values.length / classes }, (_, row) => {
    const rounded = values.subarray(row * classes, (row + 1) * classes).map(Math.round);
    return rounded.indexOf(Math.max(...rounded));
  });
}
