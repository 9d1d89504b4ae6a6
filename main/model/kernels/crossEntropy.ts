/** @file Runs anywhere. Cross-entropy from logits, with class weights and label smoothing as torch defines them. */
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, KERNELS, runKernel, withGradient } from './dispatch.ts';

export interface CrossEntropyOptions {
  /** [C] or null for all ones */
  readonly classWeights: readonly number[] | null;
  /** 0 to below 1 */
  readonly labelSmoothing: number;
}

/**
 * logits [P, C], labels [P] -> loss of each pair [P]. With smoothing s and weights w the loss of label y is
 * (1 - s) · w_y · (-log p_y) + s / C · Σ_c w_c · (-log p_c), as torch.nn.functional.cross_entropy has it.
 */
export function crossEntropy(
  logits: tf.Tensor2D,
  labels: Int32Array,
  options: CrossEntropyOptions,
): tf.Tensor1D {
  const plain = options.classWeights === null && options.labelSmoothing === 0;
  if (plain && hasKernel(KERNELS.crossEntropy)) return fused(logits, labels);
  const targets = tf.tensor2d(targetRows(labels, logits.shape[1], options), [labels.length, logits.shape[1]]);
  return tf.neg(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1)) as tf.Tensor1D;
}

/** Registered pair: (logits) -> losses [P], probabilities minus targets [P, C]; and (dy, residuals) -> dLogits. */
function fused(logits: tf.Tensor2D, labels: Int32Array): tf.Tensor1D {
  return withGradient([logits], (given) => {
    const [losses, residuals] = runKernel(KERNELS.crossEntropy, { logits: given! }, { labels });
    return {
      value: losses!,
      saved: [residuals!],
      gradient: (dy, [kept]) => tf.mul(kept!, tf.reshape(dy, [dy.size, 1])),
    };
  }) as tf.Tensor1D;
}

/** How many rows of logits [P, C] are largest at their label (the first of equals) -> a scalar. */
export function countCorrect(logits: tf.Tensor2D, labels: Int32Array): tf.Scalar {
  if (hasKernel(KERNELS.countCorrect))
    return runKernel(KERNELS.countCorrect, { logits }, { labels })[0] as tf.Scalar;
  const hits = tf.equal(tf.argMax(logits, 1), tf.tensor1d(labels, 'int32'));
  return tf.sum(tf.cast(hits, 'float32')) as tf.Scalar;
}

/** The weighted, smoothed target distribution of each pair, row-major [P, C]. */
function targetRows(labels: Int32Array, classes: number, options: CrossEntropyOptions): Float32Array {
  const targets = new Float32Array(labels.length * classes);
  const weightOf = (label: number) => options.classWeights?.[label] ?? 1;
  labels.forEach((label, pair) => {
    for (let other = 0; other < classes; other++)
      targets[pair * classes + other] = (options.labelSmoothing / classes) * weightOf(other);
    targets[pair * classes + label]! += (1 - options.labelSmoothing) * weightOf(label);
  });
  return targets;
}
