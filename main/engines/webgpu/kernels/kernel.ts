/**
 * @file Node. What a kernel of the `webgpu` backend is, and the checks that they share. Files beside this one hold the
 * kernels by family, each a table by our own kernel name; tfjs' own kernels stay as they are.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelInputs } from '../../kernelInputs.ts';
import type { Programs } from '../dispatch.ts';

/**
 * fp16: activations, their gradients, and the factors of matrix products have 16 bits; sums, weights, their gradients and all that
 * is left have 32.
 */
export type WebgpuPrecision = 'fp32' | 'fp16';

export { checkedInput, input } from '../../kernelInputs.ts';

export interface Call extends KernelInputs {
  readonly programs: Programs;
  readonly precision: WebgpuPrecision;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export type Kernel = (call: Call) => TensorInfo | TensorInfo[];
export type KernelTable = readonly (readonly [string, Kernel])[];
