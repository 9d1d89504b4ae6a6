/** @file Runs anywhere. Moving rows: gathers whose gradients are gathers, and sums of rows by index. */
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, KERNELS, runKernel } from './dispatch.ts';

/** Rows of x [A, W] by `index` [B] -> [B, W]; the index A means a row of zeros. */
function take(x: tf.Tensor2D, index: Int32Array): tf.Tensor2D {
  if (hasKernel(KERNELS.gatherRows)) return runKernel(KERNELS.gatherRows, { x }, { index })[0] as tf.Tensor2D;
  const [rows, width] = x.shape;
  // The row of zeros is a copy of everything: only where it is asked for.
  const source = index.includes(rows) ? tf.concat([x, tf.zeros([1, width])], 0) : x;
  return tf.gather(source, tf.tensor1d(index, 'int32')) as tf.Tensor2D;
}

/**
 * Rows of x [A, W] by `index` [B] (A means a row of zeros) -> [B, W]. `inverse` [A] says which output row each input
 * row went to (B: none), so the gradient is a gather too, never a scatter. A row that is taken twice has the gradient
 * of the place that `inverse` names alone.
 */
export function gatherRows(x: tf.Tensor2D, index: Int32Array, inverse: Int32Array): tf.Tensor2D {
  const run = tf.customGrad((...inputs) => ({
    value: take(inputs[0] as tf.Tensor2D, index),
    gradFunc: (dy: tf.Tensor) => take(dy as tf.Tensor2D, inverse),
  }));
  return run(x) as tf.Tensor2D;
}

/** Sums rows [R, W] into [count, W]: row r is added to `targets[r]`. Order of addition is the order of rows. */
export function sumRows(rows: tf.Tensor2D, targets: Int32Array, count: number): tf.Tensor2D {
  if (hasKernel(KERNELS.sumRows))
    return runKernel(KERNELS.sumRows, { rows }, { targets, count })[0] as tf.Tensor2D;
  return tf.unsortedSegmentSum(rows, tf.tensor1d(targets, 'int32'), count);
}

/** Rows of a table [A, W] by `index` [B], which may repeat -> [B, W]; the gradient sums what was taken from each row. */
export function lookUp(table: tf.Tensor2D, index: Int32Array): tf.Tensor2D {
  const run = tf.customGrad((...inputs) => {
    const source = inputs[0] as tf.Tensor2D;
    return {
      value: take(source, index),
      gradFunc: (dy: tf.Tensor) => sumRows(dy as tf.Tensor2D, index, source.shape[0]),
    };
  });
  return run(table) as tf.Tensor2D;
}
