/** @file Runs anywhere. Inputs of kernels of our own backends, checked as tfjs does it: an error names kernel and input. */
import type { DataType, TensorInfo } from '@tensorflow/tfjs-core';

export interface KernelInputs {
  /** Of the kernel, for messages. */
  readonly name: string;
  readonly inputs: Readonly<Record<string, TensorInfo | undefined>>;
}

/** An input that must be there. */
export function input<Given extends KernelInputs>(call: Given, name: string): TensorInfo {
  const tensor = call.inputs[name];
  if (tensor === undefined) throw new Error(`Error in ${call.name}: the input ${name} is missing.`);
  return tensor;
}

/** An input of a type, and of a shape where one is told (null: any size). */
export function checkedInput<Given extends KernelInputs>(
  call: Given,
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
