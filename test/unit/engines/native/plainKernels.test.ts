/** @file Tests. tfjs' own kernels on `native` against tfjs' cpu: values, types, shapes; and that none falls back to it. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { NativeBackend } from '../../../../main/engines/native/backend.ts';
import { relativeDistance } from '../../../../main/golden/comparison.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { Inputs, valuesOn } from '../../../support/onEngine.ts';

beforeEach(({ skip }) => void engineForTests('native', skip));

const inputs = new Inputs(11);
const VALUES = inputs.normal(60);
const OTHERS = inputs.normal(60);
const WHOLE = inputs.whole(60, 5);
const floats = (...shape: number[]) =>
  tf.tensor(VALUES.subarray(0, tf.util.sizeFromShape(shape)), shape as [number, number]);
const others = (...shape: number[]) =>
  tf.tensor(OTHERS.subarray(0, tf.util.sizeFromShape(shape)), shape as [number, number]);
const whole = (...shape: number[]) =>
  tf.tensor(WHOLE.subarray(0, tf.util.sizeFromShape(shape)), shape as [number, number], 'int32');
const positive = (...shape: number[]) => tf.add(tf.abs(floats(...shape)), 0.1);
const bools = (...shape: number[]) => tf.greater(floats(...shape), 0);

const UNARY: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  ...{ abs: tf.abs, ceil: tf.ceil, cos: tf.cos, erf: tf.erf, exp: tf.exp, expm1: tf.expm1 },
  ...{ floor: tf.floor, neg: tf.neg, relu: tf.relu, round: tf.round, sigmoid: tf.sigmoid, sign: tf.sign },
  ...{ sin: tf.sin, softplus: tf.softplus, square: tf.square, tanh: tf.tanh, isNaN: tf.isNaN },
  ...{ isFinite: tf.isFinite, reciprocal: tf.reciprocal },
};
const OF_POSITIVE: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  ...{ log: tf.log, log1p: tf.log1p, rsqrt: tf.rsqrt, sqrt: tf.sqrt },
};
const BINARY: Record<string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor> = {
  ...{ add: tf.add, sub: tf.sub, mul: tf.mul, div: tf.div, maximum: tf.maximum, minimum: tf.minimum },
  ...{ squaredDifference: tf.squaredDifference, mod: tf.mod, equal: tf.equal },
  ...{ notEqual: tf.notEqual, less: tf.less, lessEqual: tf.lessEqual, greater: tf.greater },
  ...{ greaterEqual: tf.greaterEqual },
};

const WORK: Record<string, () => tf.Tensor> = {
  ...Object.fromEntries(Object.entries(UNARY).map(([name, op]) => [name, () => op(floats(5, 12))])),
  ...Object.fromEntries(Object.entries(OF_POSITIVE).map(([name, op]) => [name, () => op(positive(5, 12))])),
  ...Object.fromEntries(
    Object.entries(BINARY).map(([name, op]) => [name, () => op(floats(5, 12), others(5, 12))]),
  ),
  ...Object.fromEntries(
    Object.entries(BINARY).map(([name, op]) => [
      `${name}, broadcast`,
      () => op(floats(4, 1, 3), others(5, 1)),
    ]),
  ),
  'add a scalar': () => tf.add(floats(3, 4), 2),
  pow: () => tf.pow(positive(3, 4), others(3, 4)),
  'equal of whole numbers': () => tf.equal(whole(3, 4), tf.scalar(2, 'int32')),
  logicalAnd: () => tf.logicalAnd(bools(3, 4), tf.greater(others(3, 4), 0)),
  logicalOr: () => tf.logicalOr(bools(3, 4), tf.greater(others(3, 4), 0)),
  logicalNot: () => tf.logicalNot(bools(3, 4)),
  where: () => tf.where(bools(3, 4), floats(3, 4), others(3, 4)),
  addN: () => tf.addN([floats(3, 4), others(3, 4), floats(3, 4)]),
  'cast to whole numbers': () => tf.cast(tf.mul(floats(3, 4), 5), 'int32'),
  'cast of bools': () => tf.cast(bools(3, 4), 'float32'),
  'cast of whole numbers': () => tf.cast(whole(3, 4), 'float32'),
  fill: () => tf.fill([2, 3], 7),
  onesLike: () => tf.onesLike(floats(2, 3)),
  zerosLike: () => tf.zerosLike(whole(2, 3)),
  reshape: () => tf.reshape(floats(3, 4), [2, 6]),
  expandDims: () => tf.expandDims(floats(3, 4), 1),
  transpose: () => tf.transpose(tf.reshape(floats(60), [3, 4, 5]), [2, 0, 1]),
  'transpose of whole numbers': () => tf.transpose(whole(3, 4)),
  slice: () => tf.slice(tf.reshape(floats(60), [3, 4, 5]), [1, 0, 2], [2, 3, 2]),
  concat: () => tf.concat([floats(3, 4), others(3, 2)], 1),
  'concat of whole numbers': () => tf.concat([whole(3, 4), whole(2, 4)], 0),
  stack: () => tf.stack([floats(3, 4), others(3, 4)], 1),
  'stack of scalars': () => tf.stack([tf.scalar(1), tf.scalar(2)]),
  pad: () =>
    tf.pad(
      floats(3, 4),
      [
        [1, 0],
        [2, 3],
      ],
      0.5,
    ),
  tile: () => tf.tile(floats(3, 4), [2, 3]),
  gather: () => tf.gather(floats(12, 5), tf.tensor1d([3, 3, 0, 11], 'int32')),
  oneHot: () => tf.oneHot(tf.tensor1d([1, 0, 4], 'int32'), 5),
  sum: () => tf.sum(floats(5, 12)),
  'sum of an axis': () => tf.sum(tf.reshape(floats(60), [3, 4, 5]), 1, true),
  mean: () => tf.mean(floats(5, 12), 1),
  max: () => tf.max(floats(5, 12), 0),
  min: () => tf.min(floats(5, 12), 1),
  prod: () => tf.prod(floats(5, 4), 1),
  argMax: () => tf.argMax(floats(5, 12), 1),
  argMin: () => tf.argMin(floats(5, 12), 0),
  any: () => tf.any(bools(5, 12), 1),
  all: () => tf.all(bools(5, 12), 1),
  softmax: () => tf.softmax(floats(5, 12)),
  logSoftmax: () => tf.logSoftmax(floats(5, 12)),
  matMul: () => tf.matMul(floats(5, 12), others(12, 4)),
  'matMul transposed': () => tf.matMul(floats(12, 5), others(4, 12), true, true),
  'matMul of batches': () => tf.matMul(tf.reshape(floats(60), [3, 4, 5]), tf.reshape(others(60), [3, 5, 4])),
  'matMul, broadcast': () => tf.matMul(tf.reshape(floats(60), [3, 4, 5]), tf.reshape(others(10), [1, 5, 2])),
};

describe('tfjs kernels', () => {
  it.each(Object.entries(WORK))('%s', async (_, work) => {
    const seen: { shape: number[]; dtype: string }[] = [];
    const watched = () => {
      const tensor = work();
      seen.push({ shape: tensor.shape, dtype: tensor.dtype });
      return [tensor];
    };
    const [expected] = await valuesOn('cpu', watched);
    await valuesOn('native', () => []);
    const backend = tf.backend() as NativeBackend;
    backend.fallbacks.clear();
    const [actual] = await valuesOn('native', watched);
    expect(seen[1]).toEqual(seen[0]);
    expect(relativeDistance(actual!, expected!)).toBeLessThan(1e-5);
    expect([...backend.fallbacks.keys()], 'done by the cpu kernels').toEqual([]);
  });

  it('say what does not fit, as tfjs does', async () => {
    await valuesOn('native', () => []);
    const backend = tf.backend() as NativeBackend;
    const before = { numBytes: tf.memory().numBytes, buffers: backend.binding.memory().buffers };
    tf.tidy(() => {
      expect(() => tf.matMul(floats(3, 4), floats(3, 4))).toThrow(/Error in (matMul|BatchMatMul): .*inner/);
      expect(() => tf.add(floats(3, 4), floats(5))).toThrow(/could not be broadcast/);
      expect(() => tf.reshape(floats(3, 4), [5, 5])).toThrow(/size|elements/i);
      expect(() => tf.gather(floats(3, 4), tf.tensor1d([3], 'int32'))).toThrow(/index 3/);
      expect(() => tf.engine().runKernel('EntailGradientNorm', { a: tf.zeros([3], 'int32') })).toThrow(
        /Error in .*int32|float32/,
      );
    });
    expect({ numBytes: tf.memory().numBytes, buffers: backend.binding.memory().buffers }).toEqual(before);
  });
});
