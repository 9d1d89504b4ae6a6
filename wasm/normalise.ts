/**
 * LayerNorm(dropout(x) + residual) over packed rows. Statistics [R, 2] hold mean and 1 / deviation. The backward pass
 * draws the same dropout factors again and computes the sum again, so nothing but the statistics is stored.
 */
import { sumLanes } from './lanes';
import { dropoutFactors } from './philox';
import { addStretch, STRETCH, storeTotal, totalBytes } from './sums';

/** Bytes for two rows, and for dGamma and dBeta in double precision. */
export function normaliseWorkspaceBytes(hidden: i32): i32 {
  return 2 * (hidden + 8) * 4 + 2 * totalBytes(hidden);
}

/** z = x · factors + residual, for one row; factors 0 means none. */
// @ts-ignore: decorator
@inline
function sumRow(z: usize, x: usize, factors: usize, residual: usize, hidden: i32): void {
  let i = 0;
  for (; i + 4 <= hidden; i += 4) {
    const at = (<usize>i) << 2;
    let value = v128.load(x + at);
    if (factors) value = f32x4.mul(value, v128.load(factors + at));
    v128.store(z + at, f32x4.add(value, v128.load(residual + at)));
  }
  for (; i < hidden; i++) {
    const at = (<usize>i) << 2;
    let value = f32.load(x + at);
    if (factors) value *= f32.load(factors + at);
    f32.store(z + at, value + f32.load(residual + at));
  }
}

// @ts-ignore: decorator
@inline
function meanOf(z: usize, hidden: i32): f32 {
  let lanes = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= hidden; i += 4) lanes = f32x4.add(lanes, v128.load(z + ((<usize>i) << 2)));
  let sum = sumLanes(lanes);
  for (; i < hidden; i++) sum += f32.load(z + ((<usize>i) << 2));
  return sum / <f32>hidden;
}

// @ts-ignore: decorator
@inline
function varianceOf(z: usize, mean: f32, hidden: i32): f32 {
  const centre = f32x4.splat(mean);
  let lanes = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= hidden; i += 4) {
    const off = f32x4.sub(v128.load(z + ((<usize>i) << 2)), centre);
    lanes = f32x4.add(lanes, f32x4.mul(off, off));
  }
  let sum = sumLanes(lanes);
  for (; i < hidden; i++) {
    const off = f32.load(z + ((<usize>i) << 2)) - mean;
    sum += off * off;
  }
  return sum / <f32>hidden;
}

export function addDropoutNormForward(
  x: usize, residual: usize, gamma: usize, beta: usize, y: usize, statistics: usize, offsets: usize,
  pairIndices: usize, pairs: i32, hidden: i32, eps: f32, step: u32, seed: u32, place: u32, threshold: u32,
  keepScale: f32, workspace: usize,
): void {
  const stride = (<usize>hidden) << 2;
  for (let pair = 0; pair < pairs; pair++) {
    const begin = load<i32>(offsets + ((<usize>pair) << 2));
    const end = load<i32>(offsets + ((<usize>pair) << 2), 4);
    const pairIndex = load<u32>(pairIndices + ((<usize>pair) << 2));
    for (let row = begin; row < end; row++) {
      const at = <usize>row * stride;
      const factors: usize = threshold ? workspace : 0;
      if (threshold)
        dropoutFactors(factors, <u32>((row - begin) * hidden), hidden, pairIndex, step, seed, place, threshold, keepScale);
      const z = y + at;
      sumRow(z, x + at, factors, residual + at, hidden);
      const mean = meanOf(z, hidden);
      const inverse: f32 = 1 / sqrt<f32>(varianceOf(z, mean, hidden) + eps);
      f32.store(statistics + ((<usize>row) << 3), mean);
      f32.store(statistics + ((<usize>row) << 3), inverse, 4);
      const centre = f32x4.splat(mean);
      const times = f32x4.splat(inverse);
      let i = 0;
      for (; i + 4 <= hidden; i += 4) {
        const column = (<usize>i) << 2;
        const normal = f32x4.mul(f32x4.sub(v128.load(z + column), centre), times);
        v128.store(z + column, f32x4.add(f32x4.mul(normal, v128.load(gamma + column)), v128.load(beta + column)));
      }
      for (; i < hidden; i++) {
        const column = (<usize>i) << 2;
        const normal = (f32.load(z + column) - mean) * inverse;
        f32.store(z + column, normal * f32.load(gamma + column) + f32.load(beta + column));
      }
    }
  }
}

/**
 * dy, x, residual, gamma, statistics -> dx, dResidual [R, H], dGamma, dBeta [H], which hold the sum of the last few rows
 * on the way.
 */
export function addDropoutNormBackward(
  dy: usize, x: usize, residual: usize, gamma: usize, statistics: usize, dx: usize, dResidual: usize, dGamma: usize,
  dBeta: usize, offsets: usize, pairIndices: usize, pairs: i32, hidden: i32, step: u32, seed: u32, place: u32,
  threshold: u32, keepScale: f32, workspace: usize,
): void {
  const stride = (<usize>hidden) << 2;
  memory.fill(dGamma, 0, stride);
  memory.fill(dBeta, 0, stride);
  const normal = workspace + ((<usize>(hidden + 8)) << 2);
  const gammaTotal = normal + ((<usize>(hidden + 8)) << 2);
  const betaTotal = gammaTotal + <usize>totalBytes(hidden);
  memory.fill(gammaTotal, 0, 2 * totalBytes(hidden));
  let added = 0;
  for (let pair = 0; pair < pairs; pair++) {
    const begin = load<i32>(offsets + ((<usize>pair) << 2));
    const end = load<i32>(offsets + ((<usize>pair) << 2), 4);
    const pairIndex = load<u32>(pairIndices + ((<usize>pair) << 2));
    for (let row = begin; row < end; row++) {
      const at = <usize>row * stride;
      const factors: usize = threshold ? workspace : 0;
      if (threshold)
        dropoutFactors(factors, <u32>((row - begin) * hidden), hidden, pairIndex, step, seed, place, threshold, keepScale);
      sumRow(normal, x + at, factors, residual + at, hidden);
      const mean = f32.load(statistics + ((<usize>row) << 3));
      const inverse = f32.load(statistics + ((<usize>row) << 3), 4);
      backwardRow(dy + at, normal, gamma, factors, dx + at, dResidual + at, dGamma, dBeta, mean, inverse, hidden);
      if (++added % STRETCH) continue;
      addStretch(gammaTotal, dGamma, hidden);
      addStretch(betaTotal, dBeta, hidden);
    }
  }
  addStretch(gammaTotal, dGamma, hidden);
  addStretch(betaTotal, dBeta, hidden);
  storeTotal(dGamma, gammaTotal, hidden);
  storeTotal(dBeta, betaTotal, hidden);
}

/** `normal` holds x + residual on entry and the normalised row on exit. */
function backwardRow(
  dy: usize, normal: usize, gamma: usize, factors: usize, dx: usize, dResidual: usize, dGamma: usize, dBeta: usize,
  mean: f32, inverse: f32, hidden: i32,
): void {
  let sums = f32x4.splat(0), products = f32x4.splat(0);
  const centre = f32x4.splat(mean), times = f32x4.splat(inverse);
  let i = 0;
  for (; i + 4 <= hidden; i += 4) {
    const column = (<usize>i) << 2;
    const up = v128.load(dy + column);
    const n = f32x4.mul(f32x4.sub(v128.load(normal + column), centre), times);
    v128.store(normal + column, n);
    v128.store(dGamma + column, f32x4.add(v128.load(dGamma + column), f32x4.mul(up, n)));
    v128.store(dBeta + column, f32x4.add(v128.load(dBeta + column), up));
    const g = f32x4.mul(up, v128.load(gamma + column));
    sums = f32x4.add(sums, g);
    products = f32x4.add(products, f32x4.mul(g, n));
  }
  let sum = sumLanes(sums), product = sumLanes(products);
  for (; i < hidden; i++) {
    const column = (<usize>i) << 2;
    const up = f32.load(dy + column);
    const n = (f32.load(normal + column) - mean) * inverse;
    f32.store(normal + column, n);
    f32.store(dGamma + column, f32.load(dGamma + column) + up * n);
    f32.store(dBeta + column, f32.load(dBeta + column) + up);
    const g = up * f32.load(gamma + column);
    sum += g;
    product += g * n;
  }
  sum /= <f32>hidden;
  product /= <f32>hidden;
  const m1 = f32x4.splat(sum), m2 = f32x4.splat(product);
  for (i = 0; i + 4 <= hidden; i += 4) {
    const column = (<usize>i) << 2;
    const g = f32x4.mul(v128.load(dy + column), v128.load(gamma + column));
    const d = f32x4.mul(times, f32x4.sub(f32x4.sub(g, m1), f32x4.mul(v128.load(normal + column), m2)));
    v128.store(dResidual + column, d);
    v128.store(dx + column, factors ? f32x4.mul(d, v128.load(factors + column)) : d);
  }
  for (; i < hidden; i++) {
    const column = (<usize>i) << 2;
    const g = f32.load(dy + column) * f32.load(gamma + column);
    const d = inverse * (g - sum - f32.load(normal + column) * product);
    f32.store(dResidual + column, d);
    f32.store(dx + column, factors ? d * f32.load(factors + column) : d);
  }
}
