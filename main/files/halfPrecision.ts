/** @file Node. 16-bit floating-point numbers, as files keep them: widened to 32 bits exactly, narrowed by rounding. */

/** bfloat16 is the upper half of a float32. `bits` holds one number an entry. */
export function widenBfloat16(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = bits[i]! << 16;
  return new Float32Array(wide.buffer);
}

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. */
export function widenFloat16(bits: Uint16Array): Float32Array {
  const wide = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i]!;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    const size =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction === 0
            ? Number.POSITIVE_INFINITY
            : Number.NaN
          : (1024 + fraction) * 2 ** (exponent - 25);
    wide[i] = half >= 0x8000 ? -size : size;
  }
  return wide;
}

/** The largest finite binary16. */
export const LARGEST_FLOAT16 = 65504;

/**
 * To the nearest binary16, to the even one of two as near; what is too large becomes an infinity. Written out with
 * integers, because not every Node that runs this has Float16Array.
 */
export function narrowFloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const narrow = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const word = bits[i]!;
    const sign = (word >>> 16) & 0x8000;
    const size = word & 0x7fffffff;
    narrow[i] = sign | halfOf(size);
  }
  return narrow;
}

/** @param size the bits of a float32 that is not negative */
function halfOf(size: number): number {
  if (size >= 0x47800000) return size > 0x7f800000 ? 0x7e00 : 0x7c00;
  // Below 2^-14 the distance of binary16 numbers is the same everywhere: 2^-24.
  if (size < 0x38800000) return size < 0x33000000 ? 0 : subnormalOf(size);
  const rest = size & 0x1fff;
  const half = (size - 0x38000000) >>> 13;
  // Rounding up may carry into the exponent, and from the largest number to infinity, as it should.
  return rest > 0x1000 || (rest === 0x1000 && (half & 1) === 1) ? half + 1 : half;
}

function subnormalOf(size: number): number {
  const fraction = (size & 0x7fffff) | 0x800000;
  const shift = 126 - (size >>> 23);
  const half = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return rest > middle || (rest === middle && (half & 1) === 1) ? half + 1 : half;
}
