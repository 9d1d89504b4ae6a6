/** Rows: embedding sums, and gradients of activations. */
import { addRow } from './sums';

/** out [R, W] = base [R, W] + first[firstIndex] + second[secondIndex] */
export function embeddingSum(
  base: usize, first: usize, firstIndex: usize, second: usize, secondIndex: usize, out: usize, rows: i32, width: i32,
): void {
  const stride = (<usize>width) << 2;
  memory.copy(out, base, <usize>rows * stride);
  for (let row = 0; row < rows; row++) {
    const to = out + <usize>row * stride;
    addRow(to, first + <usize>load<i32>(firstIndex + ((<usize>row) << 2)) * stride, width);
    addRow(to, second + <usize>load<i32>(secondIndex + ((<usize>row) << 2)) * stride, width);
  }
}

/** out = dy where y > 0, else 0 */
export function reluGradient(dy: usize, y: usize, out: usize, count: i32): void {
  const none = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const at = (<usize>i) << 2;
    v128.store(out + at, v128.and(v128.load(dy + at), f32x4.gt(v128.load(y + at), none)));
  }
  for (; i < count; i++) {
    const at = (<usize>i) << 2;
    f32.store(out + at, f32.load(y + at) > 0 ? f32.load(dy + at) : 0);
  }
}

/** out = dy · (1 - y²) */
export function tanhGradient(dy: usize, y: usize, out: usize, count: i32): void {
  for (let i = 0; i < count; i++) {
    const at = (<usize>i) << 2;
    const value = f32.load(y + at);
    f32.store(out + at, f32.load(dy + at) * (1 - value * value));
  }
}
