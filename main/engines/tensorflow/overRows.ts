/**
 * @file Node. Sums over rows on TensorFlow: the gradients of weights and biases. TensorFlow adds thousands of rows in one chain
 * of single precision; what that loses is the distance between the gradient of one process and that of several. So many
 * rows are taken in parts whose sums are added up, and small sums, as of a head, whose terms may cancel, in double precision.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowOps } from './ops.ts';

/** Multiplications of the largest product that is taken in double precision: more than a head of 512 pairs has. */
const MOST_MULTIPLICATIONS_IN_DOUBLE = 2 ** 25;
/** Numbers of the largest matrix whose columns are summed in double precision. */
const MOST_NUMBERS_IN_DOUBLE = 2 ** 18;
/** Rows of a product that are added in one chain. Shorter ones are no more exact, and slower. */
const LONGEST_STRETCH = 2048;
/** Rows from which one chain of additions is too long. */
const FEWEST_CHAINED = 64;

/** aᵀ·b: a [R, M], b [R, N] -> [M, N] */
export function productOverRows(ops: TensorflowOps, a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor2D {
  const [rows, outputs] = a.shape;
  if (rows * outputs * b.shape[1] <= MOST_MULTIPLICATIONS_IN_DOUBLE)
    return ops.transposedProductInDouble(a, b);
  const stretches = Math.ceil(rows / LONGEST_STRETCH);
  if (ops.usesGpu || stretches === 1) return ops.product(a, b, { a: true });
  return tf.tidy(() => {
    const length = Math.floor(rows / stretches);
    const inParts = (x: tf.Tensor2D) => tf.reshape(firstRows(x, stretches * length), [stretches, length, -1]);
    const sum = tf.sum(ops.transposedProducts(inParts(a), inParts(b)), 0) as tf.Tensor2D;
    if (stretches * length === rows) return sum;
    const [restOfA, restOfB] = [lastRows(a, stretches * length), lastRows(b, stretches * length)];
    return tf.add(sum, ops.product(restOfA, restOfB, { a: true }));
  });
}

/** x [R, H] -> its sum over rows [H]: in √R chains where double precision would take too long. */
export function columnSums(ops: TensorflowOps, x: tf.Tensor2D): tf.Tensor1D {
  const [rows, width] = x.shape;
  if (x.size <= MOST_NUMBERS_IN_DOUBLE)
    return tf.tidy(() => tf.reshape(ops.transposedProductInDouble(tf.ones([rows, 1]), x), [width]));
  if (ops.usesGpu || rows < FEWEST_CHAINED) return ops.columnSums(x);
  return tf.tidy(() => {
    // Rows of a chain are as many apart as there are chains: [R, H] is seen as [rows of a chain, chains · H].
    const chains = Math.floor(Math.sqrt(rows));
    const length = Math.floor(rows / chains);
    const head = firstRows(x, chains * length);
    const sums = ops.columnSums(tf.reshape(head, [length, chains * width]));
    const sum = columnSums(ops, tf.reshape(sums, [chains, width]));
    return chains * length === rows ? sum : tf.add(sum, columnSums(ops, lastRows(x, chains * length)));
  });
}

const firstRows = (x: tf.Tensor2D, count: number) =>
  count === x.shape[0] ? x : tf.slice(x, [0, 0], [count, -1]);
const lastRows = (x: tf.Tensor2D, begin: number) => tf.slice(x, [begin, 0], [-1, -1]);
