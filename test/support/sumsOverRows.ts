/**
 * @file Tests. Sums over thousands of rows on an engine, against sums in double precision. What is left of single precision
 * here is the distance between the gradients of one process and those of several.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { addDropoutNorm } from '../../main/model/kernels/addDropoutNorm.ts';
import { linear } from '../../main/model/kernels/linear.ts';
import { sumRows } from '../../main/model/kernels/rows.ts';
import type { EngineName } from '../../shared/engines.ts';
import { engineForTests } from './enginesForTests.ts';
import { COMPILING_TIMEOUT_MS, layoutOf } from './fusedWork.ts';
import { Inputs, valuesOn } from './onEngine.ts';

export const ROWS = 16_384 + 5;
/** Of the largest number of the result: a few additions in single precision. One rounding is 6e-8. */
export const FEW_ROUNDINGS = 2e-7;
/** A product adds stretches of 64 rows in single precision. In one chain these were 6e-6 off. */
const OF_PRODUCT = 4e-7;

/** Numbers around 1: they do not cancel, so that a sum of single precision loses digits all the way. */
export const around = (inputs: Inputs, count: number) => inputs.normal(count).map((value) => 1 + value);

export function expectClose(actual: ArrayLike<number>, expected: Float64Array, bound: number): void {
  expect(actual.length).toBe(expected.length);
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const apart = expected.reduce((most, value, at) => Math.max(most, Math.abs(value - actual[at]!)), 0);
  expect(apart / largest).toBeLessThan(bound);
}

/** √ mean (actual - expected)², as a share of the largest. */
function meanError(actual: ArrayLike<number>, expected: Float64Array): number {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const squares = expected.reduce((sum, value, at) => sum + (value - actual[at]!) ** 2, 0);
  return Math.sqrt(squares / expected.length) / largest;
}

/** Σ over rows of the product of a column of a [R, A] and one of b [R, B] -> [A, B] */
function productOf(a: Float32Array, b: Float32Array, [ofA, ofB]: readonly [number, number]): Float64Array {
  const sums = new Float64Array(ofA * ofB);
  for (let row = 0; row < a.length / ofA; row++)
    for (let i = 0; i < ofA; i++)
      for (let j = 0; j < ofB; j++) sums[i * ofB + j]! += a[row * ofA + i]! * b[row * ofB + j]!;
  return sums;
}

export const columnsOf = (rows: Float32Array, width: number) =>
  productOf(new Float32Array(rows.length / width).fill(1), rows, [1, width]);

/** Of a layer from x [R, I] with dy [R, O] -> [its weight's gradient [O, I], its bias' [O]] */
export function linearGradients(x: Float32Array, dy: Float32Array, [into, out]: readonly [number, number]) {
  const rows = x.length / into;
  const gradients = tf.grads((weight: tf.Tensor, bias: tf.Tensor) =>
    linear(tf.tensor2d(x, [rows, into]), { weight: weight as tf.Tensor2D, bias: bias as tf.Tensor1D }),
  );
  return gradients([tf.zeros([out, into]), tf.zeros([out])], tf.tensor2d(dy, [rows, out]));
}

/** The tests of one engine. */
export function describeSumsOverRows(engine: EngineName): void {
  describe(`on ${engine}, sums`, { timeout: COMPILING_TIMEOUT_MS }, () => {
    beforeEach(({ skip }) => {
      engineForTests(engine, skip);
    });

    // By the sizes: a few multiplications, many, and so many that several groups of rows are added up, of one length or not.
    it.each([
      [12, 16, ROWS],
      [13, 7, ROWS],
      [70, 33, ROWS],
      [96, 80, 5003],
    ])('of a linear layer from %i to %i on %i rows: its weight and its bias', async (into, out, rows) => {
      const inputs = new Inputs(into);
      const [x, dy] = [around(inputs, rows * into), around(inputs, rows * out)];
      const [dWeight, dBias] = await valuesOn(engine, () => linearGradients(x, dy, [into, out]));
      expectClose(dWeight!, productOf(dy, x, [out, into]), OF_PRODUCT);
      expectClose(dBias!, columnsOf(dy, out), FEW_ROUNDINGS);
    });

    it.each([
      [16, 16, 1800],
      [64, 32, 1000],
      [31, 9, 1001],
    ])('of a head from %i to %i on %i rows whose terms cancel hundredfold', async (into, out, rows) => {
      const inputs = new Inputs(into);
      // As of two classes, in any order: half of the rows push one way, half of them the other.
      const keys = inputs.normal(rows);
      const middle = keys.toSorted()[rows >> 1]! - 1e-9;
      const push = Float32Array.from(keys, (key) => Math.sign(key - middle));
      const x = inputs.normal(rows * into).map((value) => 1 + 0.2 * value);
      const dy = inputs
        .normal(rows * out)
        .map((value, at) => push[Math.floor(at / out)]! * (1 + 0.2 * value));
      const [dWeight, dBias] = await valuesOn(engine, () => linearGradients(x, dy, [into, out]));
      expect(meanError(dWeight!, productOf(dy, x, [out, into]))).toBeLessThan(1.2e-7);
      expectClose(dBias!, columnsOf(dy, out), 2e-6);
    });

    it.each([16, 7])('of a norm of width %i: its scale and its shift', async (width) => {
      const inputs = new Inputs(width);
      const layout = layoutOf(Array.from({ length: 1000 }, (_, pair) => 1 + (pair % 30)));
      const { rows } = layout;
      const [x, dy] = [inputs.normal(rows * width), around(inputs, rows * width)];
      const pass = (upstream: Float32Array, scale: number) =>
        valuesOn(engine, () => {
          const place = { layout, dropout: null, place: 1 };
          const norm = (gamma: tf.Tensor, beta: tf.Tensor) => {
            const weights = { gamma: gamma as tf.Tensor1D, beta: beta as tf.Tensor1D, eps: 1e-5 };
            return addDropoutNorm(tf.tensor2d(x, [rows, width]), tf.zeros([rows, width]), weights, place);
          };
          const weights = [tf.fill([width], scale), tf.zeros([width])];
          return [
            norm(weights[0]!, weights[1]!),
            ...tf.grads(norm)(weights, tf.tensor2d(upstream, [rows, width])),
          ];
        });
      const [normal] = await pass(dy, 1);
      // Upstream has the sign of the normal, so that nothing cancels in the gradient of the scale.
      const upstream = dy.map((value, at) => Math.abs(value) * Math.sign(normal![at]!));
      const [, dGamma] = await pass(upstream, 1);
      const products = upstream.map((value, at) => value * normal![at]!);
      expectClose(dGamma!, columnsOf(products, width), FEW_ROUNDINGS);
      const [, , dBeta] = await pass(dy, 1);
      expectClose(dBeta!, columnsOf(dy, width), FEW_ROUNDINGS);
    });

    it.each([16, 7])('of rows of width %i by what they belong to, be it one or thousands', async (width) => {
      const inputs = new Inputs(width);
      const rows = around(inputs, ROWS * width);
      // Half of the rows to the first, then one, sixteen and seventeen; none to the last.
      const targets = Int32Array.from({ length: ROWS }, (_, row) => (row % 2 === 0 ? 0 : 4));
      targets.set([1, ...new Array<number>(16).fill(2), ...new Array<number>(17).fill(3)], 100);
      const expected = new Float64Array(6 * width);
      targets.forEach((target, row) => {
        for (let at = 0; at < width; at++) expected[target * width + at]! += rows[row * width + at]!;
      });
      const summed = () => valuesOn(engine, () => [sumRows(tf.tensor2d(rows, [ROWS, width]), targets, 6)]);
      const [sums] = await summed();
      for (let target = 0; target < 6; target++) {
        const part = (values: Float64Array | Float32Array) =>
          values.subarray(target * width, (target + 1) * width);
        if (target < 5)
          expectClose(part(sums as Float32Array), part(expected) as Float64Array, 3 * FEW_ROUNDINGS);
        else expect([...part(sums as Float32Array)]).toEqual(new Array(width).fill(0));
      }
      expect((await summed())[0]).toEqual(sums);
    });
  });
}
