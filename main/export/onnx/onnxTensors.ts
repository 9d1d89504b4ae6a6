/**
 * @file Node. The initializers of an ONNX graph: small constants, and weights in the wished precision. Outlines are known
 * at once, numbers are read when their turn comes in the file.
 */
import { asFloat16, asInt8, bytesOf, type Precision, transposed, transposedInt8 } from '../compactWeights.ts';
import type { ExportedWeights } from '../exportedModel.ts';
import { type TensorOutline, tensorBeginning, tensorBytes } from './onnxMessages.ts';

/** Tensors that are made together, in the order of the file. */
export interface TensorGroup {
  readonly outlines: readonly TensorOutline[];
  /** One entry an outline. */
  read(): Promise<readonly Uint8Array[]>;
}

/** Name of the initializer that holds the scales of an int8 one. */
export const scaleName = (name: string) => `${name}.scale`;

export function constantTensor(outline: TensorOutline, bytes: Uint8Array): TensorGroup {
  return { outlines: [outline], read: async () => [bytes] };
}

/** A bias or the weight of a norm: [size]. */
export function vectorTensor(weights: ExportedWeights, name: string, size: number): TensorGroup {
  return {
    outlines: [{ name, type: 'float', shape: [size] }],
    read: async () => [bytesOf(await weights.read(name))],
  };
}

export interface MatrixPlace {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
}

/** An embedding table [rows, columns]; of int8 each row has a scale: [rows]. */
export function tableTensor(
  weights: ExportedWeights,
  { name, rows, columns }: MatrixPlace,
  precision: Precision,
): TensorGroup {
  const shape = [rows, columns];
  switch (precision) {
    case 'fp32':
      return {
        outlines: [{ name, type: 'float', shape }],
        read: async () => [bytesOf(await weights.read(name))],
      };
    case 'fp16':
      return {
        outlines: [{ name, type: 'float16', shape }],
        read: async () => [bytesOf(asFloat16(await weights.read(name), name))],
      };
    case 'int8':
      return {
        outlines: [
          { name, type: 'int8', shape },
          { name: scaleName(name), type: 'float', shape: [rows] },
        ],
        read: async () => {
          const { values, scales } = asInt8(await weights.read(name), rows);
          return [bytesOf(values), bytesOf(scales)];
        },
      };
  }
}

/** The weight of a Linear, ours [rows, columns], as MatMul wants it: [columns, rows]; of int8 a scale an output: [rows]. */
export function matrixTensor(
  weights: ExportedWeights,
  { name, rows, columns }: MatrixPlace,
  precision: Precision,
): TensorGroup {
  const shape = [columns, rows];
  switch (precision) {
    case 'fp32':
      return {
        outlines: [{ name, type: 'float', shape }],
        read: async () => [bytesOf(transposed(await weights.read(name), rows, columns))],
      };
    case 'fp16':
      return {
        outlines: [{ name, type: 'float16', shape }],
        read: async () => [bytesOf(asFloat16(transposed(await weights.read(name), rows, columns), name))],
      };
    case 'int8':
      return {
        outlines: [
          { name, type: 'int8', shape },
          { name: scaleName(name), type: 'float', shape: [rows] },
        ],
        read: async () => {
          const { values, scales } = asInt8(await weights.read(name), rows);
          return [bytesOf(transposedInt8(values, rows, columns)), bytesOf(scales)];
        },
      };
  }
}

/** Bytes of the group's TensorProto messages, without the keys in front of them. */
export function messageBytes(outline: TensorOutline): number {
  return tensorBeginning(outline).sizeBytes + tensorBytes(outline);
}
