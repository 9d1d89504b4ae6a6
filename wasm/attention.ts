/**
 * Attention on packed rows, one pair after another, no padding between pairs. Letters: T length of the pair, D width of
 * a head, both rounded up to multiples of 4 in the workspace (zeros there). The backward pass computes the softmax
 * again instead of storing it. Convention: outputs are written, dq/dk/dv are zeroed by the caller's first touch here.
 */
import { addCombination, addScaled, copyPadded, softmaxRow } from './lanes';
import { dropoutFactors } from './philox';

// @ts-ignore: decorator
@inline
function up4(n: i32): i32 {
  return (n + 3) & ~3;
}

/** Bytes that both passes need for the longest pair. */
export function attentionWorkspaceBytes(longest: i32, headWidth: i32): i32 {
  const t = up4(longest);
  const d = up4(headWidth);
  // kᵀ and vᵀ [D, T], k and v [T, D], dk and dv [T, D], and a handful of rows of length T or D
  return (2 * d * t + 4 * t * d + 6 * (t + 8) + 4 * d) * 4;
}

/** [T rows of width D at `stride` bytes] -> transposed [D, Tpadded], padding zero. */
function transpose(to: usize, from: usize, stride: usize, length: i32, width: i32, padded: i32): void {
  for (let d = 0; d < width; d++) {
    const row = to + ((<usize>(d * padded)) << 2);
    let source = from + ((<usize>d) << 2);
    for (let t = 0; t < length; t++) {
      f32.store(row + ((<usize>t) << 2), f32.load(source));
      source += stride;
    }
    for (let t = length; t < padded; t++) f32.store(row + ((<usize>t) << 2), 0);
  }
}

// @ts-ignore: decorator
@inline
function zero(at: usize, floats: i32): void {
  memory.fill(at, 0, (<usize>floats) << 2);
}

// @ts-ignore: decorator
@inline
function multiplyRow(row: usize, factors: usize, padded: i32): void {
  for (let i = 0; i < padded; i += 4) {
    const at = (<usize>i) << 2;
    v128.store(row + at, f32x4.mul(v128.load(row + at), v128.load(factors + at)));
  }
}

// @ts-ignore: decorator
@inline
function scaledCopy(to: usize, from: usize, factor: f32, count: i32): void {
  for (let i = 0; i < count; i++)
    f32.store(to + ((<usize>i) << 2), f32.load(from + ((<usize>i) << 2)) * factor);
}

/**
 * q, k, v, out [R, H]; offsets [pairs + 1] and pairIndices [pairs] as int32. threshold 0 switches dropout off.
 */
export function attentionForward(
  q: usize, k: usize, v: usize, out: usize, offsets: usize, pairIndices: usize, pairs: i32, hidden: i32, heads: i32,
  step: u32, seed: u32, place: u32, threshold: u32, keepScale: f32, workspace: usize,
): void {
  const width = hidden / heads;
  const d4 = up4(width);
  const stride = (<usize>hidden) << 2;
  const scale: f32 = 1 / sqrt<f32>(<f32>width);
  for (let pair = 0; pair < pairs; pair++) {
    const begin = load<i32>(offsets + ((<usize>pair) << 2));
    const length = load<i32>(offsets + ((<usize>pair) << 2), 4) - begin;
    const pairIndex = load<u32>(pairIndices + ((<usize>pair) << 2));
    const t4 = up4(length);
    const keys = workspace;
    const values = keys + ((<usize>(d4 * t4)) << 2);
    const query = values + ((<usize>(t4 * d4)) << 2);
    const scores = query + ((<usize>d4) << 2);
    const factors = scores + ((<usize>(t4 + 4)) << 2);
    const context = factors + ((<usize>(t4 + 4)) << 2);
    for (let head = 0; head < heads; head++) {
      const corner = <usize>begin * stride + ((<usize>(head * width)) << 2);
      transpose(keys, k + corner, stride, length, width, t4);
      for (let t = 0; t < length; t++)
        copyPadded(values + ((<usize>(t * d4)) << 2), v + corner + <usize>t * stride, width, d4);
      for (let row = 0; row < length; row++) {
        scaledCopy(query, q + corner + <usize>row * stride, scale, width);
        zero(scores, t4);
        addCombination(scores, query, keys, width, (<usize>t4) << 2, t4);
        softmaxRow(scores, length);
        if (threshold) {
          zero(factors, t4);
          dropoutFactors(factors, <u32>((head * length + row) * length), length, pairIndex, step, seed, place, threshold, keepScale);
          multiplyRow(scores, factors, t4);
        }
        zero(context, d4);
        addCombination(context, scores, values, length, (<usize>d4) << 2, d4);
        memory.copy(out + corner + <usize>row * stride, context, (<usize>width) << 2);
      }
    }
  }
}

/** dy, q, k, v -> dq, dk, dv, all [R, H]. */
export function attentionBackward(
  dy: usize, q: usize, k: usize, v: usize, dq: usize, dk: usize, dv: usize, offsets: usize, pairIndices: usize,
  pairs: i32, hidden: i32, heads: i32, step: u32, seed: u32, place: u32, threshold: u32, keepScale: f32,
  workspace: usize,
): void {
  const width = hidden / heads;
  const d4 = up4(width);
  const stride = (<usize>hidden) << 2;
  const scale: f32 = 1 / sqrt<f32>(<f32>width);
  for (let pair = 0; pair < pairs; pair++) {
    const begin = load<i32>(offsets + ((<usize>pair) << 2));
    const length = load<i32>(offsets + ((<usize>pair) << 2), 4) - begin;
    const pairIndex = load<u32>(pairIndices + ((<usize>pair) << 2));
    const t4 = up4(length);
    const square = (<usize>(d4 * t4)) << 2;
    const keysT = workspace;
    const valuesT = keysT + square;
    const keys = valuesT + square;
    const keyGradients = keys + square;
    const valueGradients = keyGradients + square;
    const query = valueGradients + square;
    const upstream = query + ((<usize>d4) << 2);
    const queryGradient = upstream + ((<usize>d4) << 2);
    const weights = queryGradient + ((<usize>d4) << 2);
    const factors = weights + ((<usize>(t4 + 4)) << 2);
    const weightGradients = factors + ((<usize>(t4 + 4)) << 2);
    for (let head = 0; head < heads; head++) {
      const corner = <usize>begin * stride + ((<usize>(head * width)) << 2);
      transpose(keysT, k + corner, stride, length, width, t4);
      transpose(valuesT, v + corner, stride, length, width, t4);
      for (let t = 0; t < length; t++)
        copyPadded(keys + ((<usize>(t * d4)) << 2), k + corner + <usize>t * stride, width, d4);
      zero(keyGradients, t4 * d4);
      zero(valueGradients, t4 * d4);
      for (let row = 0; row < length; row++) {
        const at = corner + <usize>row * stride;
        // weights as in the forward pass; dWeights = dy·vᵀ
        scaledCopy(query, q + at, scale, width);
        zero(weights, t4);
        addCombination(weights, query, keysT, width, (<usize>t4) << 2, t4);
        softmaxRow(weights, length);
        copyPadded(upstream, dy + at, width, d4);
        zero(weightGradients, t4);
        addCombination(weightGradients, upstream, valuesT, width, (<usize>t4) << 2, t4);
        if (threshold) {
          zero(factors, t4);
          dropoutFactors(factors, <u32>((head * length + row) * length), length, pairIndex, step, seed, place, threshold, keepScale);
          multiplyRow(weightGradients, factors, t4);
        }
        let mean: f32 = 0;
        for (let t = 0; t < length; t++) {
          const w = f32.load(weights + ((<usize>t) << 2));
          mean += w * f32.load(weightGradients + ((<usize>t) << 2));
        }
        copyPadded(query, q + at, width, d4);
        for (let t = 0; t < length; t++) {
          const t2 = (<usize>t) << 2;
          const w = f32.load(weights + t2);
          const kept: f32 = threshold ? w * f32.load(factors + t2) : w;
          addScaled(valueGradients + ((<usize>(t * d4)) << 2), upstream, kept, d4);
          const scoreGradient = w * (f32.load(weightGradients + t2) - mean) * scale;
          f32.store(weightGradients + t2, scoreGradient);
          addScaled(keyGradients + ((<usize>(t * d4)) << 2), query, scoreGradient, d4);
        }
        zero(queryGradient, d4);
        addCombination(queryGradient, weightGradients, keys, length, (<usize>d4) << 2, d4);
        memory.copy(dq + at, queryGradient, (<usize>width) << 2);
      }
      for (let t = 0; t < length; t++) {
        const at = corner + <usize>t * stride;
        memory.copy(dk + at, keyGradients + ((<usize>(t * d4)) << 2), (<usize>width) << 2);
        memory.copy(dv + at, valueGradients + ((<usize>(t * d4)) << 2), (<usize>width) << 2);
      }
    }
  }
}
