/**
 * @file Node. Checksums inside rows. SQLite keeps none: a flipped bit in a number is a different number that no check
 * of the file's structure can see. Rows that hold measurements carry a CRC-32, so that a wrong figure is never shown.
 */
import { crc32 } from 'node:zlib';

/** Takes numbers of one row and gives their CRC-32 as 64-bit little-endian floats. */
export type NumbersChecksum = (numbers: ArrayLike<number>) => number;

/** SQLite stores NaN as NULL; in the checksum this number, which nothing measures, stands for it. */
const NAN_STANDS_AS = -Number.MAX_VALUE;

/** A checksum for rows of `size` numbers. Make one for a whole loop: it reuses its buffer. */
export function numbersChecksum(size: number): NumbersChecksum {
  const row = new Float64Array(size);
  const bytes = new Uint8Array(row.buffer);
  return (numbers) => {
    for (let at = 0; at < size; at++) {
      const number = numbers[at]!;
      // Adding 0 turns -0, which SQLite gives back as 0, into 0.
      row[at] = Number.isNaN(number) ? NAN_STANDS_AS : number + 0;
    }
    return crc32(bytes);
  };
}

/** CRC-32 of numbers followed by texts (UTF-8) or bytes. */
export function rowChecksum(numbers: readonly number[], rest: readonly (string | Uint8Array)[]): number {
  let sum = numbersChecksum(numbers.length)(numbers);
  for (const part of rest) sum = crc32(part, sum);
  return sum;
}
