/**
 * @file Node. What a kernel of the `native` backend is, and the checks that they share. Files beside this one hold the
 * kernels by family, each a table by tfjs' (or our own) kernel name.
 */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { KernelInputs } from '../../kernelInputs.ts';
import type { NativeBackend } from '../backend.ts';
import type { NativeBinding } from '../binding.ts';

export { checkedInput, input } from '../../kernelInputs.ts';

export interface Call extends KernelInputs {
  readonly backend: NativeBackend;
  readonly binding: NativeBinding;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** null: not for these types; tfjs' own cpu kernel does it, and is counted. */
export type Kernel = (call: Call) => TensorInfo | TensorInfo[] | null;
export type KernelTable = readonly (readonly [string, Kernel])[];

/** Inputs of kernels that take a list. */
export function inputList(call: Call): TensorInfo[] {
  return Object.values(call.inputs).filter((tensor) => tensor !== undefined);
}
