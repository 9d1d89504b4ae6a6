/**
 * @file Node. What a kernel of the `webgpu` backend is, and the checks that they share. Files beside this one hold the
 * kernels by family, each a table by our own kernel name; tfjs' own kernels stay as they are.
 */
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import type { Programs } from '../dispatch.ts';

/** What matrix products are computed in: fp16 has factors in half precision, sums and everything else in single. */
export type WebgpuPrecision = 'fp32' | 'fp16';

export interface Call {
  readonly programs: Programs;
  readonly precision: WebgpuPrecision;
  /** By our name of the kernel, for messages. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, TensorInfo | undefined>>;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export type Kernel = (call: Call) => TensorInfo | TensorInfo[];
export type KernelTable = readonly (readonly [string, Kernel])[];

/** An input that must be there. */
export function input(call: Call, name: string): TensorInfo {
  const tensor = call.inputs[name];
  if (tensor === undefined) throw new Error(`Error in ${call.name}: the input ${name} is missing.`);
  return tensor;
}

/** An input of a type, and of a shape (null: any size). */
export function checkedInput(
  call: Call,
  name: string,
  shape: readonly (number | null)[],
  dtype: DataType = 'float32',
): TensorInfo {
  const tensor = input(call, name);
  if (tensor.dtype !== dtype)
    throw new Error(`Error in ${call.name}: ${name} must be ${dtype} but is ${tensor.dtype}.`);
  const fits =
    tensor.shape.length === shape.length &&
    shape.every((size, axis) => size === null || size === tensor.shape[axis]);
  if (!fits)
    throw new Error(
      `Error in ${call.name}: ${name} must have shape [${shape.map((size) => size ?? '?').join(',')}] but has [${tensor.shape}].`,
    );
  return tensor;
}
