/** @file Tests. Sums that keep what rounding takes from them, on the engines that do, against sums in double precision. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { addKeepingRest, type KeptSum, rounded } from '../../../main/model/kernels/addKeepingRest.ts';
import type { EngineName } from '../../../shared/engines.ts';
import { engineForTests } from '../../support/enginesForTests.ts';
import { Inputs, valuesOn } from '../../support/onEngine.ts';

/** Large terms that cancel, and small ones between. */
function termsOf(count: number): Float32Array[] {
  const inputs = new Inputs(count);
  const large = inputs.normal(count).map((value) => value * 1000);
  const small = Array.from({ length: 12 }, () => inputs.normal(count));
  return [large, ...small, large.map((value) => -value)];
}

const summed = (engine: EngineName, terms: readonly Float32Array[]) =>
  valuesOn(engine, () => {
    const tensors = terms.map((term) => tf.tensor1d(term));
    let sum: KeptSum = { value: tensors[0]!, rest: null };
    for (const more of tensors.slice(1)) sum = addKeepingRest(sum, more);
    return [rounded(sum)];
  });

/** Of the largest number of the exact sum. */
function errorOf(sum: ArrayLike<number>, terms: readonly Float32Array[]): number {
  const exact = Float64Array.from(terms[0]!, (_, at) => terms.reduce((total, term) => total + term[at]!, 0));
  const largest = exact.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return exact.reduce((most, value, at) => Math.max(most, Math.abs(value - sum[at]!)), 0) / largest;
}

const engines: readonly EngineName[] = ['native', 'wasm', 'tensorflow', 'webgpu'];
describe.each(engines)('on %s', (engine) => {
  beforeEach(({ skip }) => {
    engineForTests(engine, skip);
  });

  it.each([1, 3, 4, 1001, 70_000])('%i sums are as exact as one rounding', async (count) => {
    const terms = termsOf(count);
    const [sum] = await summed(engine, terms);
    expect(errorOf(sum!, terms)).toBeLessThan(6e-8);
  });

  it('a large tensor is added plainly, and takes no memory for a rest', async () => {
    const [isKept] = await valuesOn(engine, () => {
      const [a, b] = [tf.ones([2 ** 20 + 1]), tf.ones([2 ** 20 + 1])];
      const sum = addKeepingRest({ value: a, rest: null }, b);
      return [tf.scalar(sum.rest === null ? 0 : 1)];
    });
    expect(isKept![0]).toBe(0);
  });
});

it('an engine without the kernel adds plainly', async () => {
  const terms = termsOf(100);
  const [sum] = await summed('cpu', terms);
  expect(errorOf(sum!, terms)).toBeGreaterThan(1e-6);
});
