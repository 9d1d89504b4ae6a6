/** @file Node. Which of the named fused kernels TensorFlow has, and their registration with tfjs. */
import * as tf from '@tensorflow/tfjs-core';
import { KERNELS, type KernelName } from '../../../model/kernels/dispatch.ts';
import type { TensorflowOps } from '../ops.ts';
import { addDropoutNorm, addDropoutNormGradient } from './addDropoutNorm.ts';
import { addKeepingRest } from './addKeepingRest.ts';
import { crossEntropy } from './crossEntropy.ts';
import { dropoutMask } from './dropoutMask.ts';
import { embeddingSum, embeddingSumGradient } from './embeddingSum.ts';
import { gradientNorm } from './gradientNorm.ts';
import { linear, linearGradient } from './linear.ts';
import { sumRows } from './rows.ts';

/** Inputs and attributes are typed where each kernel is written; tfjs passes both without types. */
type Kernel = (inputs: never, attributes: never) => tf.Tensor[];

/** Registers under the backend's name; a second call does nothing. */
export function registerTensorflowKernels(ops: TensorflowOps, backendName: string): void {
  if (tf.getKernel(KERNELS.linear, backendName) !== undefined) return;
  for (const [kernelName, kernel] of kernelsOf(ops)) {
    tf.registerKernel({
      kernelName,
      backendName,
      kernelFunc: ({ inputs, attrs }) => tf.tidy(() => kernel(inputs as never, attrs as never)),
    });
  }
}

function kernelsOf(ops: TensorflowOps): [KernelName, Kernel][] {
  const everywhere: [KernelName, Kernel][] = [
    [KERNELS.linear, (inputs, attributes) => linear(ops, inputs, attributes)],
    [KERNELS.linearGradient, (inputs, attributes) => linearGradient(ops, inputs, attributes)],
    [KERNELS.crossEntropy, (inputs, attributes) => crossEntropy(ops, inputs, attributes)],
    [KERNELS.dropoutMask, (_inputs, attributes) => [dropoutMask(ops, attributes)]],
    [KERNELS.embeddingSum, (inputs, attributes) => embeddingSum(inputs, attributes)],
    [KERNELS.sumRows, (inputs, attributes) => [sumRows(ops, inputs, attributes)]],
    [KERNELS.gradientNorm, (inputs) => gradientNorm(ops, inputs)],
    [KERNELS.addKeepingRest, (inputs) => addKeepingRest(inputs)],
    [KERNELS.embeddingSumGradient, (inputs, attributes) => embeddingSumGradient(ops, inputs, attributes)],
  ];
  if (ops.usesGpu) return everywhere; // oneDNN's layer normalisation has no kernel there
  return [
    ...everywhere,
    [KERNELS.addDropoutNorm, (inputs, attributes) => addDropoutNorm(ops, inputs, attributes)],
    [KERNELS.addDropoutNormGradient, (inputs, attributes) => addDropoutNormGradient(ops, inputs, attributes)],
  ];
}
