/**
 * @file Node. What a kernel of the `native` backend is, and the checks that they share. Files beside this one hold the
 * kernels by family, each a table by tfjs' (or our own) kernel name.
 */
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';
import type { NativeBackend } from '../backend.ts';
import type { NativeBinding } from '../binding.ts';

export interface Call {
  readonly backend: NativeBackend;
  readonly binding: NativeBinding;
  /** By tfjs' name of the kernel, for messages. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, TensorInfo | undefined>>;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** null: not for these types; tfjs' own cpu kernel does it, and is counted. */
export type Kernel = (call: Call) => TensorInfo | TensorInfo[] | null;
export type KernelTable = readonly (readonly [string, Kernel])[];

/** An input that must be there. */
export function input(call: Call, name: string): TensorInfo {
  const tensor = call.inputs[name];
  if (tensor === undefined) throw new Error(`Error in ${call.name}: the input ${name} is missing.`);
  return tensor;
}

/** An input of a type, and of a shape where one is told (null: any size). */
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

/** Inputs of kernels that take a list. */
export function inputList(call: Call): TensorInfo[] {
  return Object.values(call.inputs).filter((tensor) => tensor !== undefined);
}
