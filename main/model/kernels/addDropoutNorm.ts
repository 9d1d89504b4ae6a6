/** @file Runs anywhere. LayerNorm(dropout(x) + residual), the end of both halves of a block, and plain LayerNorm. */
import * as tf from '@tensorflow/tfjs-core';
import type { DropoutSource } from '../dropout.ts';
import type { RowLayout } from '../packedBatch.ts';
import { hasKernel, KERNELS, runKernel, withGradient } from './dispatch.ts';
import { rowsMask } from './dropoutMask.ts';
import { lookUp, sumRows } from './rows.ts';

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
  /** [R] for a residual of rows that repeat (distinctRows.ts): [E, H], of which row r has row `sources[r]`. */
  readonly sources?: Int32Array | null;
}

export type NormDropoutOptions = Omit<AddDropoutNormOptions, 'sources'>;

/** x, residual [R, H] -> [R, H] (book.md 3: post-norm). */
export function addDropoutNorm(
  x: tf.Tensor2D,
  residual: tf.Tensor2D,
  norm: NormWeights,
  options: AddDropoutNormOptions,
): tf.Tensor2D {
  const { layout, dropout, place, sources = null } = options;
  if (sources !== null && !hasKernel(KERNELS.addDropoutNormOfSources))
    return addDropoutNorm(x, lookUp(residual, sources), norm, { layout, dropout, place });
  if (hasKernel(KERNELS.addDropoutNorm)) return fused(x, residual, norm, options);
  const dropped = dropout === null ? x : tf.mul(x, rowsMask(layout, x.shape[1], dropout, place));
  return layerNorm(tf.add(dropped, residual) as tf.Tensor2D, norm);
}

/**
 * Registered pair: (x, residual, gamma, beta) -> y, statistics [R, 2] (mean and 1 / deviation), and
 * (dy, x, residual, gamma, statistics) -> dx, dResidual, dGamma, dBeta. Of sources: dResidual comes as [R, H].
 */
function fused(
  x: tf.Tensor2D,
  residual: tf.Tensor2D,
  norm: NormWeights,
  options: AddDropoutNormOptions,
): tf.Tensor2D {
  const { sources = null } = options;
  const attributes = { ...options, eps: norm.eps };
  const kernels =
    sources === null
      ? [KERNELS.addDropoutNorm, KERNELS.addDropoutNormGradient]
      : [KERNELS.addDropoutNormOfSources, KERNELS.addDropoutNormOfSourcesGradient];
  return withGradient([x, residual, norm.gamma, norm.beta], (xIn, residualIn, gamma, beta) => {
    const forward = { x: xIn!, residual: residualIn!, gamma: gamma!, beta: beta! };
    const [y, statistics] = runKernel(kernels[0]!, forward, attributes);
    return {
      value: y!,
      saved: [xIn!, residualIn!, gamma!, statistics!],
      gradient: (dy, [xKept, residualKept, gammaKept, statisticsKept]) => {
        const known = { x: xKept!, residual: residualKept!, gamma: gammaKept!, statistics: statisticsKept! };
        const gradients = runKernel(kernels[1]!, { dy, ...known }, attributes);
        if (sources === null) return gradients;
        const [dx, dResidual, ...ofNorm] = gradients;
        const summed = sumRows(dResidual as tf.Tensor2D, sources, residual.shape[0]);
        dResidual!.dispose();
        return [dx!, summed, ...ofNorm];
      },
    };
  }) as tf.Tensor2D;
}

/** dropout(LayerNorm(x)), [R, H]: how the embeddings of the Hugging Face variant end. */
export function normDropout(x: tf.Tensor2D, norm: NormWeights, options: NormDropoutOptions): tf.Tensor2D {
  if (hasKernel(KERNELS.normDropout)) return fusedNormDropout(x, norm, options);
  const { layout, dropout, place } = options;
  const normalised = layerNorm(x, norm);
  return dropout === null ? normalised : tf.mul(normalised, rowsMask(layout, x.shape[1], dropout, place));
}

/** Registered pair: (x, gamma, beta) -> y, statistics [R, 2]; (dy, x, gamma, statistics) -> dx, dGamma, dBeta. */
function fusedNormDropout(x: tf.Tensor2D, norm: NormWeights, options: NormDropoutOptions): tf.Tensor2D {
  const attributes = { ...options, eps: norm.eps };
  return withGradient([x, norm.gamma, norm.beta], (xIn, gamma, beta) => {
    const forward = { x: xIn!, gamma: gamma!, beta: beta! };
    const [y, statistics] = runKernel(KERNELS.normDropout, forward, attributes);
    return {
      value: y!,
      saved: [xIn!, gamma!, statistics!],
      gradient: (dy, [xKept, gammaKept, statisticsKept]) => {
        const backward = { dy, x: xKept!, gamma: gammaKept!, statistics: statisticsKept! };
        return runKernel(KERNELS.normDropoutGradient, backward, attributes);
      },
    };
  }) as tf.Tensor2D;
}

/** Over the last axis, variance without Bessel's correction, eps inside the root: torch's definition. */
export function layerNorm(x: tf.Tensor2D, norm: NormWeights): tf.Tensor2D {
  const centred = tf.sub(x, tf.mean(x, 1, true));
  const variance = tf.mean(tf.mul(centred, centred), 1, true);
  const normalised = tf.mul(centred, tf.rsqrt(tf.add(variance, norm.eps)));
  return tf.add(tf.mul(normalised, norm.gamma), norm.beta) as tf.Tensor2D;
}
