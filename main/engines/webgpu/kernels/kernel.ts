/**
 * @file Node. What a kernel of the `webgpu` backend is, and the checks that they share. Files beside this one hold the
 * kernels by family, each a table by our own kernel name; tfjs' own kernels stay as they are.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelInputs } from '../../kernelInputs.ts';
import type { Programs } from '../dispatch.ts';

/** What matrix products are computed in: fp16 has factors in half precision, sums and everything else in single. */
export type WebgpuPrecision = 'fp32' | 'fp16';

export { checkedInput, input } from '../../kernelInputs.ts';

export interface Call extends KernelInputs {
  readonly programs: Programs;
  readonly precision: WebgpuPrecision;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export type Kernel = (call: Call) => TensorInfo | TensorInfo[];
export type KernelTable = readonly (readonly [string, Kernel])[];
