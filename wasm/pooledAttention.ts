/**
 * One query a pair and head, straight on the layer's input rows (architecture.md, idea 2). x [R, H], query [P, N, H],
 * pooled [P, N, H + 1] with Σ ã in the last column. dx is zeroed here before it is added to.
 */
import { softmaxRow, sumLanes } from './lanes';
import { dropoutFactors } from './philox';

/** Bytes for rows of the longest pair's length. */
export function pooledWorkspaceBytes(longest: i32): i32 {
  return 4 * (longest + 8) * 4;
}

// @ts-ignore: decorator
@inline
function dot(a: usize, b: usize, count: i32): f32 {
  let lanes = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4)
    lanes = f32x4.relaxed_madd(v128.load(a + ((<usize>i) << 2)), v128.load(b + ((<usize>i) << 2)), lanes);
  let sum = sumLanes(lanes);
  for (; i < count; i++) sum += f32.load(a + ((<usize>i) << 2)) * f32.load(b + ((<usize>i) << 2));
  return sum;
}

/** to += factor · from */
// @ts-ignore: decorator
@inline
function axpy(to: usize, from: usize, factor: f32, count: i32): void {
  const times = f32x4.splat(factor);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = (<usize>i) << 2;
    v128.store(to + at, f32x4.relaxed_madd(times, v128.load(from + at), v128.load(to + at)));
  }
  for (; i < count; i++) {
    const at = (<usize>i) << 2;
    f32.store(to + at, f32.load(to + at) + factor * f32.load(from + at));
  }
}

export function pooledForward(
  x: usize, query: usize, out: usize, offsets: usize, pairIndices: usize, pairs: i32, hidden: i32, heads: i32,
  scale: f32, step: u32, seed: u32, place: u32, threshold: u32, keepScale: f32, workspace: usize,
): void {
  const stride = (<usize>hidden) << 2;
  for (let pair = 0; pair < pairs; pair++) {
    const begin = load<i32>(offsets + ((<usize>pair) << 2));
    const length = load<i32>(offsets + ((<usize>pair) << 2), 4) - begin;
    const pairIndex = load<u32>(pairIndices + ((<usize>pair) << 2));
    const weights = workspace;
    const factors = weights + ((<usize>(length + 8)) << 2);
    const rows = x + <usize>begin * stride;
    for (let head = 0; head < heads; head++) {
      const ask = query + <usize>(pair * heads + head) * stride;
      const to = out + (<usize>(pair * heads + head) * <usize>(hidden + 1) << 2);
      for (let t = 0; t < length; t++)
        f32.store(weights + ((<usize>t) << 2), dot(ask, rows + <usize>t * stride, hidden) * scale);
      softmaxRow(weights, length);
      // the only query is the first row, so its element is (head · length + 0) · length + key
      if (threshold)
        dropoutFactors(factors, <u32>(head * length * length), length, pairIndex, step, seed, place, threshold, keepScale);
      memory.fill(to, 0, stride);
      let total: f32 = 0;
      for (let t = 0; t < length; t++) {
        const t2 = (<usize>t) << 2;
        let w = f32.load(weights + t2);
        if (threshold) w *= f32.load(factors + t2);
        total += w;
        axpy(to, rows + <usize>t * stride, w, hidden);
      }
      f32.store(to + stride, total);
    }
  }
}

export function pooledBackward(
  dy: usize, x: usize, query: usize, dx: usize, dQuery: usize, offsets: usize, pairIndices: usize, pairs: i32,
  hidden: i32, heads: i32, scale: f32, step: u32, seed: u32, place: u32, threshold: u32, keepScale: f32,
  workspace: usize,
): void {
  const stride = (<usize>hidden) << 2;
  const totalRows = load<i32>(offsets + ((<usize>pairs) << 2));
  memory.fill(dx, 0, <usize>totalRows * stride);
  memory.fill(dQuery, 0, <usize>(pairs * heads) * stride);
  for (let pair = 0; pair < pairs; pair++) {
    const begin = load<i32>(offsets + ((<usize>pair) << 2));
    const length = load<i32>(offsets + ((<usize>pair) << 2), 4) - begin;
    const pairIndex = load<u32>(pairIndices + ((<usize>pair) << 2));
    const weights = workspace;
    const factors = weights + ((<usize>(length + 8)) << 2);
    const gradients = factors + ((<usize>(length + 8)) << 2);
    const rows = x + <usize>begin * stride;
    const rowGradients = dx + <usize>begin * stride;
    for (let head = 0; head < heads; head++) {
      const ask = query + <usize>(pair * heads + head) * stride;
      const askGradient = dQuery + <usize>(pair * heads + head) * stride;
      const upstream = dy + (<usize>(pair * heads + head) * <usize>(hidden + 1) << 2);
      const upstreamTotal = f32.load(upstream + stride);
      for (let t = 0; t < length; t++)
        f32.store(weights + ((<usize>t) << 2), dot(ask, rows + <usize>t * stride, hidden) * scale);
      softmaxRow(weights, length);
      if (threshold)
        dropoutFactors(factors, <u32>(head * length * length), length, pairIndex, step, seed, place, threshold, keepScale);
      let mean: f32 = 0;
      for (let t = 0; t < length; t++) {
        const t2 = (<usize>t) << 2;
        const factor: f32 = threshold ? f32.load(factors + t2) : 1;
        const gradient = (dot(upstream, rows + <usize>t * stride, hidden) + upstreamTotal) * factor;
        f32.store(gradients + t2, gradient);
        mean += f32.load(weights + t2) * gradient;
      }
      for (let t = 0; t < length; t++) {
        const t2 = (<usize>t) << 2;
        const w = f32.load(weights + t2);
        const factor: f32 = threshold ? f32.load(factors + t2) : 1;
        const scoreGradient = w * (f32.load(gradients + t2) - mean) * scale;
        const row = <usize>t * stride;
        axpy(rowGradients + row, upstream, w * factor, hidden);
        axpy(rowGradients + row, ask, scoreGradient, hidden);
        axpy(askGradient, rows + row, scoreGradient, hidden);
      }
    }
  }
}
