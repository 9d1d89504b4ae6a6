/** @file Node. The number types of safetensors files and the typed arrays that hold them. Files are little-endian. */

/** Types that are read and written as they are. */
export interface TensorArrays {
  F32: Float32Array;
  F64: Float64Array;
  I8: Int8Array;
  U8: Uint8Array;
  I16: Int16Array;
  U16: Uint16Array;
  I32: Int32Array;
  U32: Uint32Array;
  I64: BigInt64Array;
  U64: BigUint64Array;
  /** One byte each, 0 or 1. */
  BOOL: Uint8Array;
}

export type TensorType = keyof TensorArrays;

/** A tensor in row-major order; `values` has as many entries as the product of `shape` (1 when it is empty). */
export type NamedTensor = {
  [Type in TensorType]: {
    readonly dtype: Type;
    readonly shape: readonly number[];
    readonly values: TensorArrays[Type];
  };
}[TensorType];

interface Layout {
  readonly bytes: 1 | 2 | 4 | 8;
  /** Place in the reference's order of types, which writes the widest first. */
  readonly rank: number;
  /** Name of the typed array, or how a 16-bit float is widened. */
  readonly array: string;
}

/** Every type that can be read. F16 and BF16 become F32. */
export const LAYOUTS: ReadonlyMap<string, Layout> = new Map<string, Layout>([
  ['BOOL', { bytes: 1, rank: 0, array: 'Uint8Array' }],
  ['U8', { bytes: 1, rank: 1, array: 'Uint8Array' }],
  ['I8', { bytes: 1, rank: 2, array: 'Int8Array' }],
  ['I16', { bytes: 2, rank: 3, array: 'Int16Array' }],
  ['U16', { bytes: 2, rank: 4, array: 'Uint16Array' }],
  ['F16', { bytes: 2, rank: 5, array: 'Uint16Array' }],
  ['BF16', { bytes: 2, rank: 6, array: 'Uint16Array' }],
  ['I32', { bytes: 4, rank: 7, array: 'Int32Array' }],
  ['U32', { bytes: 4, rank: 8, array: 'Uint32Array' }],
  ['F32', { bytes: 4, rank: 9, array: 'Float32Array' }],
  ['F64', { bytes: 8, rank: 10, array: 'Float64Array' }],
  ['I64', { bytes: 8, rank: 11, array: 'BigInt64Array' }],
  ['U64', { bytes: 8, rank: 12, array: 'BigUint64Array' }],
]);

export const MAX_TENSORS = 10_000;
export const MAX_RANK = 8;
export const MAX_HEADER_BYTES = 16 << 20;
/** The key of the header that holds the file's own notes instead of a tensor. */
export const METADATA_KEY = '__metadata__';
