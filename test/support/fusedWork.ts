/** @file Tests. A fused kernel as a piece of work, run forward and backward on two engines, and shapes for it. */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { relativeDistance } from '../../main/golden/comparison.ts';
import type { RowLayout } from '../../main/model/packedBatch.ts';
import type { EngineName } from '../../shared/engines.ts';
import { Inputs, type Values, valuesOn } from './onEngine.ts';

const CLOSE = 1e-5;

/** Of a test on every engine: a driver in software may take a minute to compile what a GPU's own compiles at once. */
export const COMPILING_TIMEOUT_MS = 300_000;

export interface Work {
  /** Inputs with a gradient. */
  readonly tensors: readonly { readonly values: Float32Array; readonly shape: readonly number[] }[];
  readonly forward: (...inputs: never[]) => tf.Tensor;
}

/** Outputs and gradients of all inputs, under one random gradient from above. */
export function passOver({ tensors, forward }: Work, seed: number): tf.Tensor[] {
  const inputs = tensors.map(({ values, shape }) => tf.tensor(values, [...shape]));
  const run = forward as unknown as (...inputs: tf.Tensor[]) => tf.Tensor;
  const y = run(...inputs);
  const dy = tf.tensor(new Inputs(seed + 1000).normal(y.size), y.shape);
  return [y, ...tf.grads(run)(inputs, tf.clone(dy))];
}

/** The engine against plain ops on `cpu`. */
export async function expectSame(work: Work, seed: number, engine: EngineName = 'native'): Promise<void> {
  const [expected, actual] = [
    await valuesOn('cpu', () => passOver(work, seed)),
    await valuesOn(engine, () => passOver(work, seed)),
  ];
  expectNear(actual, expected);
}

export function expectNear(actual: Values, expected: Values): void {
  expect(actual.length).toBe(expected.length);
  for (const [index, values] of expected.entries()) {
    expect(actual[index]!.length).toBe(values.length);
    expect(relativeDistance(actual[index]!, values), `output ${index}`).toBeLessThan(CLOSE);
  }
}

export const random = (inputs: Inputs, ...shape: number[]) => ({
  shape,
  values: inputs.normal(tf.util.sizeFromShape(shape)),
});

/** Pairs of the given lengths, in an order of the optimizer batch that is not theirs. */
export function layoutOf(lengths: readonly number[]): RowLayout & { rows: number } {
  const offsets = [0];
  for (const length of lengths) offsets.push(offsets.at(-1)! + length);
  return {
    offsets: Int32Array.from(offsets),
    pairIndices: Int32Array.from(lengths, (_, pair) => (pair * 7 + 3) % 1000),
    rows: offsets.at(-1)!,
  };
}

export const dropout = (seed: number) => ({ rate: 0.3, seed: seed + 5, step: 9, microBatch: 0 });
