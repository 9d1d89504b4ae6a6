/**
 * @file Tests. Linear layers, losses and norms on `webgpu` where batches go wrong: NaN and infinity, no rows, shapes and
 * types that do not fit; and that the same work gives the same bits.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { countCorrect, crossEntropy } from '../../../../main/model/kernels/crossEntropy.ts';
import { KERNELS, runKernel } from '../../../../main/model/kernels/dispatch.ts';
import { gradientNorm } from '../../../../main/model/kernels/gradientNorm.ts';
import { type Activation, linear } from '../../../../main/model/kernels/linear.ts';
import { projections } from '../../../../main/model/kernels/projections.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { COMPILING_TIMEOUT_MS, expectNear, passOver, random, type Work } from '../../../support/fusedWork.ts';
import { Inputs, type Values, valuesOn } from '../../../support/onEngine.ts';

beforeEach(({ skip }) => void engineForTests('webgpu', skip));

const ACTIVATIONS: Activation[] = ['none', 'relu', 'tanh', 'gelu', 'gelu_tanh'];

const layer =
  (activation: Activation) =>
  (x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor =>
    linear(x, { weight, bias }, activation);

const threeLayers = (x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D) =>
  tf.concat(
    [
      ...projections(x, [
        { weight, bias },
        { weight, bias },
        { weight, bias },
      ]),
    ],
    1,
  );

const whichAreFinite = (all: Values) => all.map((values) => Array.from(values, Number.isFinite));

describe('NaN and infinity', { timeout: COMPILING_TIMEOUT_MS }, () => {
  describe.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d', (value) => {
    it.each(ACTIVATIONS)('is not lost in a layer with %s, forward or backward', async (activation) => {
      for (const width of [8, 7]) {
        const inputs = new Inputs(2);
        const weight = random(inputs, width, width);
        const bias = random(inputs, width);
        const x = { values: inputs.normal(5 * width).with(3 * width + 2, value), shape: [5, width] };
        const work: Work = { tensors: [x, weight, bias], forward: layer(activation) };
        const [actual, expected] = [
          await valuesOn('webgpu', () => passOver(work, 1)),
          await valuesOn('cpu', () => passOver(work, 1)),
        ];
        expect(whichAreFinite(actual)).toEqual(whichAreFinite(expected));
      }
    });

    it.each([
      ['few', 4],
      ['many', 300],
    ])('is not lost in the loss of %s classes', async (_title, classes) => {
      const inputs = new Inputs(2);
      const logits = { values: inputs.normal(3 * classes).with(classes + 1, value), shape: [3, classes] };
      const forward = (x: tf.Tensor2D) =>
        crossEntropy(x, Int32Array.of(0, 1, 2), { classWeights: null, labelSmoothing: 0 });
      const [losses, gradient] = whichAreFinite(
        await valuesOn('webgpu', () => passOver({ tensors: [logits], forward }, 1)),
      );
      expect(losses).toEqual([true, false, true]);
      const wrong = gradient!.flatMap((finite, at) => (finite ? [] : [Math.floor(at / classes)]));
      // The word with -∞ is certainly not the likeliest: the gradient is finite.
      expect(wrong).toEqual(value === Number.NEGATIVE_INFINITY ? [] : new Array(classes).fill(1));
    });
  });

  it('reaches the norm, and is never right', async () => {
    const read = () => [
      gradientNorm([tf.tensor1d([1, Number.NaN, 2]), tf.ones([300])]),
      gradientNorm([tf.tensor1d([1, Number.NEGATIVE_INFINITY, 2])]),
      countCorrect(tf.tensor2d([1, Number.NaN, 0, 1], [2, 2]), Int32Array.of(1, 1)),
      countCorrect(tf.fill([2, 200], Number.NaN), Int32Array.of(0, 7)),
    ];
    expect((await valuesOn('webgpu', read)).map(([value]) => value)).toEqual([
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1,
      0,
    ]);
  });
});

describe('large numbers', { timeout: COMPILING_TIMEOUT_MS }, () => {
  it.each(ACTIVATIONS)('stay what they are with %s', async (activation) => {
    const inputs = new Inputs(5);
    const x = {
      values: Float32Array.of(-1e4, -90, -45, -0.2, 0, 0.2, 45, 90, 1e4, 1e-3, -1e-3, 3),
      shape: [12, 1],
    };
    const tensors = [
      x,
      { values: Float32Array.of(1), shape: [1, 1] },
      { values: new Float32Array(1), shape: [1] },
    ];
    const work: Work = { tensors, forward: layer(activation) };
    const seed = inputs.below(9);
    expectNear(
      await valuesOn('webgpu', () => passOver(work, seed)),
      await valuesOn('cpu', () => passOver(work, seed)),
    );
  });

  it('in logits do not overflow', async () => {
    const losses = () => [
      crossEntropy(tf.tensor2d([1e4, 0, -1e4, 0], [2, 2]), Int32Array.of(0, 0), {
        ...{ classWeights: null, labelSmoothing: 0 },
      }),
    ];
    expect(await valuesOn('webgpu', losses)).toEqual([Float32Array.of(0, 1e4)]);
  });
});

describe('an empty batch', { timeout: COMPILING_TIMEOUT_MS }, () => {
  it('is computed like any other, forward and backward', async () => {
    const none = { values: new Float32Array(0), shape: [0, 8] };
    const weight = random(new Inputs(3), 8, 8);
    const bias = { values: new Float32Array(8).fill(1), shape: [8] };
    const works: Work[] = [
      ...ACTIVATIONS.map((activation) => ({ tensors: [none, weight, bias], forward: layer(activation) })),
      { tensors: [none, weight, bias], forward: threeLayers },
    ];
    for (const work of works) {
      const [y, ...gradients] = await valuesOn('webgpu', () => passOver(work, 1));
      expect(y).toHaveLength(0);
      expect(gradients).toEqual(work.tensors.map(({ values }) => new Float32Array(values.length)));
    }
    const read = () => [
      countCorrect(tf.zeros([0, 3]), new Int32Array(0)),
      countCorrect(tf.zeros([0, 300]), new Int32Array(0)),
      gradientNorm([tf.zeros([0, 4])]),
      crossEntropy(tf.zeros([0, 3]), new Int32Array(0), { classWeights: null, labelSmoothing: 0 }),
    ];
    expect(await valuesOn('webgpu', read)).toEqual([
      ...[Float32Array.of(0), Float32Array.of(0), Float32Array.of(0)],
      new Float32Array(0),
    ]);
  });
});

describe('what does not fit', () => {
  const [x, weight] = [
    [2, 3],
    [4, 3],
  ] as const;
  it.each([
    ['x', { x: [2, 3, 1], weight, bias: [4] }, 'x must have shape [?,?] but has [2,3,1]'],
    ['the weight', { x, weight: [4, 2], bias: [4] }, 'weight must have shape [?,3] but has [4,2]'],
    ['the bias', { x, weight, bias: [3] }, 'bias must have shape [4] but has [3]'],
  ])('is refused: %s', async (_what, shapes, message) => {
    await valuesOn('webgpu', () => {
      const inputs = Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => [name, tf.zeros([...shape])]),
      );
      expect(() => runKernel(KERNELS.linear, inputs, { activation: 'none' })).toThrow(
        `Error in ${KERNELS.linear}: ${message}.`,
      );
      return [];
    });
  });

  it('is refused: types, missing inputs, labels of another batch', async () => {
    await valuesOn('webgpu', () => {
      const whole = tf.zeros([2, 3], 'int32');
      expect(() => runKernel(KERNELS.linear, { x: whole, weight: whole, bias: whole }, {})).toThrow(
        'x must be float32 but is int32',
      );
      expect(() => runKernel(KERNELS.projections, { x: tf.zeros([2, 3]) }, {})).toThrow(
        'the input weight0 is missing',
      );
      expect(() =>
        runKernel(KERNELS.crossEntropy, { logits: tf.zeros([2, 3]) }, { labels: Int32Array.of(1) }),
      ).toThrow('logits must have shape [1,?] but has [2,3]');
      return [];
    });
  });
});

describe('the same work', { timeout: COMPILING_TIMEOUT_MS }, () => {
  it('gives the same bits, over many pieces of a long sum', async () => {
    const inputs = new Inputs(4);
    const tensors = [random(inputs, 3000, 36), random(inputs, 44, 36), random(inputs, 44)];
    const work = { tensors, forward: layer('gelu') };
    const first = await valuesOn('webgpu', () => passOver(work, 2));
    expect(await valuesOn('webgpu', () => passOver(work, 2))).toEqual(first);
    expectNear(first, await valuesOn('cpu', () => passOver(work, 2)));
  });
});
