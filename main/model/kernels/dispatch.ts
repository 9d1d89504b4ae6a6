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
} as const;
export type KernelName = (typeof KERNELS)[keyof typeof KERNELS];

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
