/** Small things on four lanes: exp, sums, and softmax over a row. No tables: the module owns no memory of its own. */

const LOG2E: f32 = 1.4426950408889634;
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440e-4;

/** e^x for x ≤ 0, after Cephes' expf: relative error below 2e-7; 0 from -87.3 down. */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const lowest = f32x4.splat(-87.3);
  const alive = f32x4.ge(x, lowest);
  const clamped = f32x4.max(x, lowest);
  const n = f32x4.nearest(f32x4.mul(clamped, f32x4.splat(LOG2E)));
  let r = f32x4.sub(clamped, f32x4.mul(n, f32x4.splat(LN2_HIGH)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(LN2_LOW)));
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return v128.and(f32x4.mul(p, power), alive);
}

// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}

// @ts-ignore: decorator
@inline
export function maxLanes(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/**
 * Softmax in place over `count` scores; room for `count` rounded up to 4 floats, the rest is set to 0. Scores are not
 * NaN-safe: a NaN stays one.
 */
export function softmaxRow(row: usize, count: i32): void {
  const padded = (count + 3) & ~3;
  for (let i = count; i < padded; i++) f32.store(row + ((<usize>i) << 2), -f32.MAX_VALUE);
  let highest = v128.load(row);
  for (let i = 4; i < padded; i += 4) highest = f32x4.max(highest, v128.load(row + ((<usize>i) << 2)));
  const top = f32x4.splat(maxLanes(highest));
  let total = f32x4.splat(0);
  for (let i = 0; i < padded; i += 4) {
    const at = row + ((<usize>i) << 2);
    const value = exp(f32x4.sub(v128.load(at), top));
    v128.store(at, value);
    total = f32x4.add(total, value);
  }
  const inverse = f32x4.splat(1 / sumLanes(total));
  for (let i = 0; i < padded; i += 4) {
    const at = row + ((<usize>i) << 2);
    v128.store(at, f32x4.mul(v128.load(at), inverse));
  }
}

/** out[0..padded) += Σ_i factor_i · matrix[i][0..padded), rows `stride` bytes apart; padded is a multiple of 4. */
export function addCombination(out: usize, factors: usize, matrix: usize, rows: i32, stride: usize, padded: i32): void {
  let j = 0;
  for (; j + 16 <= padded; j += 16) {
    const to = out + ((<usize>j) << 2);
    let s0 = v128.load(to), s1 = v128.load(to, 16), s2 = v128.load(to, 32), s3 = v128.load(to, 48);
    let from = matrix + ((<usize>j) << 2);
    for (let i = 0; i < rows; i++) {
      const factor = v128.load_splat<f32>(factors + ((<usize>i) << 2));
      s0 = f32x4.relaxed_madd(factor, v128.load(from), s0);
      s1 = f32x4.relaxed_madd(factor, v128.load(from, 16), s1);
      s2 = f32x4.relaxed_madd(factor, v128.load(from, 32), s2);
      s3 = f32x4.relaxed_madd(factor, v128.load(from, 48), s3);
      from += stride;
    }
    v128.store(to, s0);
    v128.store(to, s1, 16);
    v128.store(to, s2, 32);
    v128.store(to, s3, 48);
  }
  for (; j < padded; j += 4) {
    const to = out + ((<usize>j) << 2);
    let sum = v128.load(to);
    let from = matrix + ((<usize>j) << 2);
    for (let i = 0; i < rows; i++) {
      sum = f32x4.relaxed_madd(v128.load_splat<f32>(factors + ((<usize>i) << 2)), v128.load(from), sum);
      from += stride;
    }
    v128.store(to, sum);
  }
}

/** row[0..padded) += factor · other[0..padded) */
// @ts-ignore: decorator
@inline
export function addScaled(row: usize, other: usize, factor: f32, padded: i32): void {
  const times = f32x4.splat(factor);
  for (let j = 0; j < padded; j += 4) {
    const at = (<usize>j) << 2;
    v128.store(row + at, f32x4.relaxed_madd(times, v128.load(other + at), v128.load(row + at)));
  }
}

/** Copies `count` floats to `to` and fills up to `padded` with zeros. */
// @ts-ignore: decorator
@inline
export function copyPadded(to: usize, from: usize, count: i32, padded: i32): void {
  memory.copy(to, from, (<usize>count) << 2);
  for (let i = count; i < padded; i++) f32.store(to + ((<usize>i) << 2), 0);
}
