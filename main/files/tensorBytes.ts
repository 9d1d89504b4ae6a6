/** @file Node. From the bytes of a file to a tensor's numbers. Files are little-endian. */
import { widenBfloat16, widenFloat16 } from './halfPrecision.ts';
import { LAYOUTS, type NamedTensor } from './tensorTypes.ts';

/** How the numbers of a tensor stand in a file: row-major, without gaps. */
export interface TensorLayout {
  /** A key of LAYOUTS. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** The product of `shape`. */
  readonly count: number;
}

/** 16-bit floats are widened; all else is a view of the bytes where their alignment allows it. */
export function tensorFromBytes({ dtype, shape, count }: TensorLayout, bytes: Uint8Array): NamedTensor {
  const { bytes: width } = LAYOUTS.get(dtype)!;
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const at = [aligned.buffer, aligned.byteOffset, count] as const;
  switch (dtype) {
    case 'F16':
      return { dtype: 'F32', shape, values: widenFloat16(new Uint16Array(...at)) };
    case 'BF16':
      return { dtype: 'F32', shape, values: widenBfloat16(new Uint16Array(...at)) };
    case 'F32':
      return { dtype, shape, values: new Float32Array(...at) };
    case 'F64':
      return { dtype, shape, values: new Float64Array(...at) };
    case 'I8':
      return { dtype, shape, values: new Int8Array(...at) };
    case 'I16':
      return { dtype, shape, values: new Int16Array(...at) };
    case 'U16':
      return { dtype, shape, values: new Uint16Array(...at) };
    case 'I32':
      return { dtype, shape, values: new Int32Array(...at) };
    case 'U32':
      return { dtype, shape, values: new Uint32Array(...at) };
    case 'I64':
      return { dtype, shape, values: new BigInt64Array(...at) };
    case 'U64':
      return { dtype, shape, values: new BigUint64Array(...at) };
    case 'U8':
    case 'BOOL':
      return { dtype, shape, values: new Uint8Array(...at) };
    default:
      throw new Error(`${dtype} is in the table of types but not read`);
  }
}

export function allFinite(tensor: NamedTensor): boolean {
  if (tensor.dtype !== 'F32' && tensor.dtype !== 'F64') return true;
  const { values } = tensor;
  // Any NaN or infinity makes its own product NaN, and with it the sum; one branch at the end instead of millions.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  return sum === 0;
}
