/**
 * @file Runs anywhere. How a named fused kernel meets its composite: the choice is made above the kernel. Where the
 * current backend has registered the name, `tf.customGrad` runs its forward and backward kernels; where it has not,
 * plain ops run and the tape differentiates them. (A composite inside a registered kernel would get no gradient: the
 * tape records at depth 0 only.)
 */
import * as tf from '@tensorflow/tfjs-core';

/** Every kernel that an engine may register under its backend's name, and the backward one beside it. */
export const KERNELS = {
  linear: 'EntailLinear',
  linearGradient: 'EntailLinearGradient',
  linearGelu: 'EntailLinearGelu',
  linearGeluGradient: 'EntailLinearGeluGradient',
  projections: 'EntailProjections',
  projectionsGradient: 'EntailProjectionsGradient',
  attention: 'EntailAttention',
  attentionGradient: 'EntailAttentionGradient',
  attentionOfSources: 'EntailAttentionOfSources',
  attentionOfSourcesGradient: 'EntailAttentionOfSourcesGradient',
  pooledAttention: 'EntailPooledAttention',
  pooledAttentionGradient: 'EntailPooledAttentionGradient',
  addDropoutNorm: 'EntailAddDropoutNorm',
  addDropoutNormGradient: 'EntailAddDropoutNormGradient',
  addDropoutNormOfSources: 'EntailAddDropoutNormOfSources',
  addDropoutNormOfSourcesGradient: 'EntailAddDropoutNormOfSourcesGradient',
  normDropout: 'EntailNormDropout',
  normDropoutGradient: 'EntailNormDropoutGradient',
  embeddingSum: 'EntailEmbeddingSum',
  embeddingSumGradient: 'EntailEmbeddingSumGradient',
  crossEntropy: 'EntailCrossEntropy',
  countCorrect: 'EntailCountCorrect',
  dropoutMask: 'EntailDropoutMask',
  gatherRows: 'EntailGatherRows',
  sumRows: 'EntailSumRows',
  gradientNorm: 'EntailGradientNorm',
  addKeepingRest: 'EntailAddKeepingRest',
} as const;
export type KernelName = (typeof KERNELS)[keyof typeof KERNELS];

/** One run of a fused kernel: its output, what its gradient needs, and how that is made of the gradient from above. */
export interface FusedRun {
  readonly value: tf.Tensor;
  readonly saved: readonly tf.Tensor[];
  readonly gradient: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
}

/**
 * Runs a fused kernel on inputs with a gradient. On the way back what it saved, and the gradient from above, are freed
 * as soon as they have been used: the tape would keep both to its end, twice the memory. So a gradient that is given to
 * `tf.grads` by hand is gone afterwards.
 */
export function withGradient(
  inputs: readonly tf.Tensor[],
  run: (...inputs: tf.Tensor[]) => FusedRun,
): tf.Tensor {
  const operation = tf.customGrad((...given) => {
    const save = given.at(-1) as unknown as tf.GradSaveFunc;
    const { value, saved, gradient } = run(...(given.slice(0, -1) as tf.Tensor[]));
    save([...saved]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, kept: tf.Tensor[]) => {
        const gradients = gradient(dy, kept);
        tf.dispose([dy, ...kept]);
        return gradients;
      },
    };
  });
  return operation(...inputs);
}

export function hasKernel(name: KernelName): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/**
 * Runs a registered kernel. Attributes are passed through untouched, so they may hold typed arrays and layouts, which
 * tfjs' own type for them does not admit.
 */
export function runKernel(name: KernelName, inputs: tf.NamedTensorMap, attributes: object): tf.Tensor[] {
  const outputs = tf.engine().runKernel(name, inputs, attributes as tf.NamedAttrMap) as
    | tf.Tensor
    | tf.Tensor[];
  return Array.isArray(outputs) ? outputs : [outputs];
}
