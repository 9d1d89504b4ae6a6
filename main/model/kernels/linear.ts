/** @file Runs anywhere. Linear layer with its activation: y = act(x·Wᵀ + b). */
import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, KERNELS, runKernel, withGradient } from './dispatch.ts';

export type Activation = 'none' | 'relu' | 'tanh' | 'gelu' | 'gelu_tanh';
/** Activations whose gradient needs the output only: the ones a fused kernel takes inside. */
export type FusedActivation = 'none' | 'relu' | 'tanh';

export interface LinearWeights {
  /** [O, I], PyTorch's layout */
  readonly weight: tf.Tensor2D;
  /** [O] */
  readonly bias: tf.Tensor1D;
}

const isFused = (activation: Activation): activation is FusedActivation =>
  activation === 'none' || activation === 'relu' || activation === 'tanh';

/** x [R, I] -> [R, O] */
export function linear(x: tf.Tensor2D, weights: LinearWeights, activation: Activation = 'none'): tf.Tensor2D {
  if (!isFused(activation))
    return hasKernel(KERNELS.linearGelu)
      ? fusedGelu(x, weights, activation)
      : gelu(linear(x, weights), activation);
  if (hasKernel(KERNELS.linear)) return fusedLinear(x, weights, activation);
  const y = tf.add(tf.matMul(x, weights.weight, false, true), weights.bias) as tf.Tensor2D;
  if (activation === 'relu') return tf.relu(y);
  return activation === 'tanh' ? tf.tanh(y) : y;
}

/**
 * A network's answer, x [R, I] -> logits [R, O]: in single precision, also where an engine keeps what lies between layers in
 * less.
 */
export const logitsOf = (x: tf.Tensor2D, weights: LinearWeights): tf.Tensor2D =>
  hasKernel(KERNELS.linear) ? fusedLinear(x, weights, 'none', true) : linear(x, weights);

/** Registered pair: (x, weight, bias) -> y, and (dy, x, weight, y) -> dx, dWeight, dBias. */
function fusedLinear(
  x: tf.Tensor2D,
  { weight, bias }: LinearWeights,
  activation: FusedActivation,
  isAnswer = false,
): tf.Tensor2D {
  return withGradient([x, weight, bias], (xIn, weightIn, biasIn) => {
    const inputs = { x: xIn!, weight: weightIn!, bias: biasIn! };
    const y = runKernel(KERNELS.linear, inputs, { activation, isAnswer })[0]!;
    return {
      value: y,
      saved: [xIn!, weightIn!, y],
      gradient: (dy, [xKept, weightKept, yKept]) => {
        const backward = { dy, x: xKept!, weight: weightKept!, y: yKept! };
        return runKernel(KERNELS.linearGradient, backward, { activation });
      },
    };
  }) as tf.Tensor2D;
}

/** Registered pair: (x, weight, bias) -> y, and x·Wᵀ + b before it; (dy, x, weight, before) -> dx, dWeight, dBias. */
function fusedGelu(
  x: tf.Tensor2D,
  { weight, bias }: LinearWeights,
  activation: 'gelu' | 'gelu_tanh',
): tf.Tensor2D {
  return withGradient([x, weight, bias], (xIn, weightIn, biasIn) => {
    const inputs = { x: xIn!, weight: weightIn!, bias: biasIn! };
    const [y, before] = runKernel(KERNELS.linearGelu, inputs, { activation });
    return {
      value: y!,
      saved: [xIn!, weightIn!, before!],
      gradient: (dy, [xKept, weightKept, beforeKept]) => {
        const backward = { dy, x: xKept!, weight: weightKept!, before: beforeKept! };
        return runKernel(KERNELS.linearGeluGradient, backward, { activation });
      },
    };
  }) as tf.Tensor2D;
}

/** GELU as BERT has it (Hendrycks and Gimpel, 2016): exact with erf, or the tanh form. */
export function gelu(x: tf.Tensor2D, form: 'gelu' | 'gelu_tanh'): tf.Tensor2D {
  if (form === 'gelu') {
    const cumulative = tf.mul(0.5, tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))));
    return tf.mul(x, cumulative) as tf.Tensor2D;
  }
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.mul(x, x)))));
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner))) as tf.Tensor2D;
}
