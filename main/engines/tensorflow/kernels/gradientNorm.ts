/** @file Node. EntailGradientNorm on TensorFlow: one kernel a tensor, L2Loss, which is half the sum of squares. */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowOps } from '../ops.ts';

/** √ Σ over all tensors of Σ x² -> a scalar */
export function gradientNorm(
  ops: TensorflowOps,
  gradients: Readonly<Record<string, tf.Tensor>>,
): tf.Tensor[] {
  const float = [ops.type('T', 'float')];
  return tf.tidy(() => {
    const halves = Object.values(gradients).map((gradient) => ops.one('L2Loss', float, [gradient]));
    return [tf.sqrt(tf.mul(tf.addN(halves), 2))];
  });
}
