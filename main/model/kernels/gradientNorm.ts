/** @file Runs anywhere. The norm of all gradients of a step together. */
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, KERNELS, runKernel } from './dispatch.ts';

/** √ Σ over all tensors of Σ x² -> a scalar */
export function gradientNorm(gradients: readonly tf.Tensor[]): tf.Scalar {
  if (hasKernel(KERNELS.gradientNorm))
    return runKernel(
      KERNELS.gradientNorm,
      { ...gradients } as unknown as tf.NamedTensorMap,
      {},
    )[0] as tf.Scalar;
  return tf.sqrt(
    tf.addN(gradients.map((gradient) => tf.tidy(() => tf.sum(tf.square(gradient))))),
  ) as tf.Scalar;
}
