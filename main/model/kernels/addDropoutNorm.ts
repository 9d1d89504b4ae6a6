/** @file Runs anywhere. LayerNorm(dropout(x) + residual), the end of both halves of a block, and plain LayerNorm. */
import * as tf from '@tensorflow/tfjs-core';
import type { DropoutSource } from '../dropout.ts';
import type { RowLayout } from '../packedBatch.ts';
import { hasKernel, KERNELS, runKernel } from './dispatch.ts';
import { rowsMask } from './dropoutMask.ts';

export interface NormWeights {
  /** [H] */
  readonly gamma: tf.Tensor1D;
  /** [H] */
  readonly beta: tf.Tensor1D;
  readonly eps: number;
}

export interface AddDropoutNormOptions {
  readonly layout: RowLayout;
  readonly dropout: DropoutSource | null;
  readonly place: number;
}

/** x, residual [R, H] -> [R, H] (book.md 3: post-norm). */
export function addDropoutNorm(
  x: tf.Tensor2D,
  residual: tf.Tensor2D,
  norm: NormWeights,
  options: AddDropoutNormOptions,
): tf.Tensor2D {
  if (hasKernel(KERNELS.addDropoutNorm)) return fused(x, residual, norm, options);
  const { layout, dropout, place } = options;
  const dropped = dropout === null ? x : tf.mul(x, rowsMask(layout, x.shape[1], dropout, place));
  return layerNorm(tf.add(dropped, residual) as tf.Tensor2D, norm);
}

/**
 * Registered pair: (x, residual, gamma, beta) -> y, statistics [R, 2] (mean and 1 / deviation), and
 * (dy, x, residual, gamma, statistics) -> dx, dResidual, dGamma, dBeta.
 */
function fused(
  x: tf.Tensor2D,
  residual: tf.Tensor2D,
  norm: NormWeights,
  options: AddDropoutNormOptions,
): tf.Tensor2D {
  const attributes = { ...options, eps: norm.eps };
  const run = tf.customGrad((...inputs) => {
    const [xIn, residualIn, gamma, beta] = inputs as tf.Tensor[];
    const save = inputs[4] as unknown as tf.GradSaveFunc;
    const forward = { x: xIn!, residual: residualIn!, gamma: gamma!, beta: beta! };
    const [y, statistics] = runKernel(KERNELS.addDropoutNorm, forward, attributes);
    save([xIn!, residualIn!, gamma!, statistics!]);
    return {
      value: y!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const backward = { dy, x: saved[0]!, residual: saved[1]!, gamma: saved[2]!, statistics: saved[3]! };
        return runKernel(KERNELS.addDropoutNormGradient, backward, attributes);
      },
    };
  });
  return run(x, residual, norm.gamma, norm.beta) as tf.Tensor2D;
}

/** Over the last axis, variance without Bessel's correction, eps inside the root: torch's definition. */
export function layerNorm(x: tf.Tensor2D, norm: NormWeights): tf.Tensor2D {
  const centred = tf.sub(x, tf.mean(x, 1, true));
  const variance = tf.mean(tf.mul(centred, centred), 1, true);
  const normalised = tf.mul(centred, tf.rsqrt(tf.add(variance, norm.eps)));
  return tf.add(tf.mul(normalised, norm.gamma), norm.beta) as tf.Tensor2D;
}
