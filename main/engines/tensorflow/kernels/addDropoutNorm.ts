/** @file Node. EntailAddDropoutNorm on TensorFlow's CPU: LayerNorm(x ∘ mask + residual), all [R, H]. */
import * as tf from '@tensorflow/tfjs-core';
import type { AddDropoutNormOptions } from '../../../model/kernels/addDropoutNorm.ts';
import type { TensorflowOps } from '../ops.ts';
import { columnSums } from '../overRows.ts';
import { dropoutMask } from './dropoutMask.ts';

export interface NormAttributes extends AddDropoutNormOptions {
  readonly eps: number;
}

interface ForwardInputs {
  readonly x: tf.Tensor2D;
  readonly residual: tf.Tensor2D;
  readonly gamma: tf.Tensor1D;
  readonly beta: tf.Tensor1D;
}

/** -> y, and what the gradient needs besides: the mask, or the sum x + residual where nothing is dropped. */
export function addDropoutNorm(
  ops: TensorflowOps,
  inputs: ForwardInputs,
  attributes: NormAttributes,
): tf.Tensor[] {
  const { x, residual, gamma, beta } = inputs;
  const { dropout, place, eps } = attributes;
  const mask = dropout === null ? null : dropoutMask(ops, { shape: x.shape, source: dropout, place });
  const sum = maskedSum(x, residual, mask);
  const y = ops.layerNorm(sum, gamma, beta, eps);
  if (mask === null) return [y, sum];
  sum.dispose();
  return [y, mask];
}

interface BackwardInputs {
  readonly dy: tf.Tensor2D;
  readonly x: tf.Tensor2D;
  readonly residual: tf.Tensor2D;
  readonly gamma: tf.Tensor1D;
  /** What the forward kernel gave as its second output. */
  readonly statistics: tf.Tensor2D;
}

/** -> dx, dResidual [R, H], dGamma, dBeta [H] */
export function addDropoutNormGradient(
  ops: TensorflowOps,
  { dy, x, residual, gamma, statistics }: BackwardInputs,
  { dropout, eps }: NormAttributes,
): tf.Tensor[] {
  const mask = dropout === null ? null : statistics;
  const sum = mask === null ? statistics : maskedSum(x, residual, mask);
  const { dSum, dGamma, dBeta } = layerNormGradient(ops, { dy, sum, gamma }, eps);
  if (mask === null) return [dSum, dSum.clone(), dGamma, dBeta];
  sum.dispose();
  return [tf.mul(dSum, mask), dSum, dGamma, dBeta];
}

function maskedSum(x: tf.Tensor2D, residual: tf.Tensor2D, mask: tf.Tensor | null): tf.Tensor2D {
  return tf.tidy(() => tf.add(mask === null ? x : tf.mul(x, mask), residual));
}

interface NormGradientInputs {
  readonly dy: tf.Tensor2D;
  /** What was normalised. */
  readonly sum: tf.Tensor2D;
  readonly gamma: tf.Tensor1D;
}

/**
 * dSum = (dy∘γ - mean(dy∘γ) - n∘mean(dy∘γ∘n)) / σ with n the normalised rows. A mean over columns that is weighted by
 * γ is a product with the column γ / H: no pass over [R, H] of its own.
 */
function layerNormGradient(ops: TensorflowOps, { dy, sum, gamma }: NormGradientInputs, eps: number) {
  return tf.tidy(() => {
    const width = gamma.size;
    const normalised = ops.layerNorm(sum, tf.ones([width]), tf.zeros([width]), eps);
    const weighted = tf.mul(dy, normalised) as tf.Tensor2D;
    const weights = tf.reshape(tf.mul(gamma, 1 / width), [width, 1]);
    const meanGradient = ops.product(dy, weights); // [R, 1]
    const meanWeighted = ops.product(weighted, weights); // [R, 1]
    const dGamma = columnSums(ops, weighted);
    weighted.dispose();
    const projected = tf.mul(normalised, meanWeighted);
    normalised.dispose();
    const scaled = tf.mul(dy, gamma);
    const centred = tf.sub(scaled, meanGradient);
    scaled.dispose();
    const remaining = tf.sub(centred, projected);
    tf.dispose([centred, projected]);
    const dSum = tf.mul(remaining, inverseDeviation(ops, sum, eps)) as tf.Tensor2D;
    return { dSum, dGamma, dBeta: columnSums(ops, dy) };
  });
}

/** [R, H] -> 1 / σ of each row [R, 1] */
function inverseDeviation(ops: TensorflowOps, sum: tf.Tensor2D, eps: number): tf.Tensor {
  return tf.tidy(() => {
    const width = sum.shape[1];
    const averaging = tf.fill([width, 1], 1 / width);
    const squares = tf.squaredDifference(sum, ops.product(sum, averaging));
    return tf.rsqrt(tf.add(ops.product(squares, averaging), eps));
  });
}
