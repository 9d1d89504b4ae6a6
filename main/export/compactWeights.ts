/** @file Node. Weights as files of an export keep them: transposed, and where wished in fewer bits. */
import { StudioError } from '../../shared/errors.ts';
import { LARGEST_FLOAT16, narrowFloat16 } from '../files/halfPrecision.ts';

/** How the numbers of tables and matrices are kept; vectors (biases, norms) always stay fp32. */
export const PRECISIONS = ['fp32', 'fp16', 'int8'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** So many columns are written at once: their cache lines are filled before they leave. */
const BLOCK = 32;

/** [rows, columns] -> [columns, rows] */
export function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let firstRow = 0; firstRow < rows; firstRow += BLOCK) {
    const endRow = Math.min(firstRow + BLOCK, rows);
    for (let firstColumn = 0; firstColumn < columns; firstColumn += BLOCK) {
      const endColumn = Math.min(firstColumn + BLOCK, columns);
      for (let column = firstColumn; column < endColumn; column++)
        for (let row = firstRow; row < endRow; row++)
          out[column * rows + row] = values[row * columns + column]!;
    }
  }
  return out;
}

/** @throws StudioError TOO_LARGE when a number has no place among 16-bit floats. */
export function asFloat16(values: Float32Array, name: string): Uint16Array {
  for (let i = 0; i < values.length; i++) {
    if (Math.abs(values[i]!) > LARGEST_FLOAT16)
      throw new StudioError('TOO_LARGE', `${name} holds ${values[i]}, which 16-bit floats cannot hold.`, {
        nextStep: 'Export in fp32 or int8.',
      });
  }
  return narrowFloat16(values);
}

export interface Int8Rows {
  /** Of the same layout as the numbers; each is to be multiplied by the scale of its row. */
  readonly values: Int8Array;
  /** [rows] */
  readonly scales: Float32Array;
}

/** Symmetric, one scale a row: the largest number of a row becomes ±127. A row of zeros has the scale 1. */
export function asInt8(values: Float32Array, rows: number): Int8Rows {
  const columns = values.length / rows;
  const narrow = new Int8Array(values.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const begin = row * columns;
    let largest = 0;
    for (let i = begin; i < begin + columns; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const scale = Math.fround(largest / 127) || 1;
    scales[row] = scale;
    for (let i = begin; i < begin + columns; i++)
      narrow[i] = Math.max(-127, Math.min(127, Math.round(values[i]! / scale)));
  }
  return { values: narrow, scales };
}

/** [rows, columns] -> [columns, rows] */
export function transposedInt8(values: Int8Array, rows: number, columns: number): Int8Array {
  const out = new Int8Array(values.length);
  for (let firstRow = 0; firstRow < rows; firstRow += BLOCK) {
    const endRow = Math.min(firstRow + BLOCK, rows);
    for (let column = 0; column < columns; column++)
      for (let row = firstRow; row < endRow; row++)
        out[column * rows + row] = values[row * columns + column]!;
  }
  return out;
}

/** The bytes behind numbers, not copied. */
export function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
