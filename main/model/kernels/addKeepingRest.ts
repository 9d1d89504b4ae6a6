/**
 * @file Runs anywhere. Additions that keep what rounding takes from them, for sums over many micro-batches whose terms
 * cancel: as exact as in twice the precision, rounded once. After Knuth, The Art of Computer Programming 2, 4.2.2.
 */
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, KERNELS, runKernel } from './dispatch.ts';

/** A sum so far: `value` + `rest`, of one shape. Without a rest nothing has been rounded away, or it was not kept. */
export interface KeptSum {
  readonly value: tf.Tensor;
  readonly rest: tf.Tensor | null;
}

/** Numbers of the largest tensor whose rest is kept: heads, biases and norms are smaller, and a large rest costs memory. */
const MOST_NUMBERS = 2 ** 20;

/** sum + more, of one shape. Takes both over. Engines without the kernel add in single precision. */
export function addKeepingRest({ value, rest }: KeptSum, more: tf.Tensor): KeptSum {
  if (value.size > MOST_NUMBERS || !hasKernel(KERNELS.addKeepingRest)) {
    const sum = tf.add(value, more);
    tf.dispose([value, more]);
    return { value: sum, rest };
  }
  const inputs = rest === null ? { sum: value, more } : { sum: value, rest, more };
  const [sum, kept] = runKernel(KERNELS.addKeepingRest, inputs, {});
  tf.dispose(Object.values(inputs));
  return { value: sum!, rest: kept! };
}

/** The sum as one tensor. Takes it over. */
export function rounded({ value, rest }: KeptSum): tf.Tensor {
  if (rest === null) return value;
  const sum = tf.add(value, rest);
  tf.dispose([value, rest]);
  return sum;
}
