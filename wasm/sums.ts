/**
 * Sums over many rows or numbers: in single precision over a short stretch, in double over stretches. One chain of
 * thousands of additions in single precision loses a decimal place, and so the gradient of a batch that two processes
 * share would not be what one process computes.
 */
import { sumLanes } from './lanes';

/** Rows that are added in single precision. */
export const STRETCH = 16;
/** Numbers of a row that are added in single precision, in sixteen sums. */
const ROW_STRETCH = 1024;

/** Bytes of sums in double precision for one row. */
// @ts-ignore: decorator
@inline
export function totalBytes(width: i32): i32 {
  return (width + 4) * 8;
}

/** to [W] += from [W] */
// @ts-ignore: decorator
@inline
export function addRow(to: usize, from: usize, width: i32): void {
  let i = 0;
  for (; i + 4 <= width; i += 4) {
    const at = (<usize>i) << 2;
    v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(from + at)));
  }
  for (; i < width; i++) {
    const at = (<usize>i) << 2;
    f32.store(to + at, f32.load(to + at) + f32.load(from + at));
  }
}

/** Adds four numbers to four sums in double precision. */
// @ts-ignore: decorator
@inline
function addWide(total: usize, x: v128): void {
  const high = i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
  v128.store(total, f64x2.add(v128.load(total), f64x2.promote_low_f32x4(x)));
  v128.store(total, f64x2.add(v128.load(total, 16), f64x2.promote_low_f32x4(high)), 16);
}

/** total [W] += part [W], which is 0 afterwards. */
export function addStretch(total: usize, part: usize, width: i32): void {
  let i = 0;
  for (; i + 4 <= width; i += 4) addWide(total + ((<usize>i) << 3), v128.load(part + ((<usize>i) << 2)));
  for (; i < width; i++) {
    const sum = total + ((<usize>i) << 3);
    f64.store(sum, f64.load(sum) + <f64>f32.load(part + ((<usize>i) << 2)));
  }
  memory.fill(part, 0, (<usize>width) << 2);
}

/** out [W] = total [W], in single precision. */
export function storeTotal(out: usize, total: usize, width: i32): void {
  for (let i = 0; i < width; i++) f32.store(out + ((<usize>i) << 2), <f32>f64.load(total + ((<usize>i) << 3)));
}

/** out [W] = Σ over rows [R, W]. `workspace`: `columnSumsWorkspaceBytes`. */
export function columnSums(rows: usize, out: usize, rowCount: i32, width: i32, workspace: usize): void {
  const stride = (<usize>width) << 2;
  const total = workspace;
  memory.fill(total, 0, totalBytes(width));
  memory.fill(out, 0, stride);
  let row = 0;
  for (; row + 8 <= rowCount; row += 8) addEight(total, rows + <usize>row * stride, stride, width);
  for (; row < rowCount; row++) addRow(out, rows + <usize>row * stride, width);
  addStretch(total, out, width);
  storeTotal(out, total, width);
}

export function columnSumsWorkspaceBytes(width: i32): i32 {
  return totalBytes(width);
}

/** total [W] += eight rows, added to each other in pairs. */
// @ts-ignore: decorator
@inline
function addEight(total: usize, rows: usize, stride: usize, width: i32): void {
  let i = 0;
  for (; i + 4 <= width; i += 4) {
    let at = rows + ((<usize>i) << 2);
    const x0 = v128.load(at); at += stride;
    const x1 = v128.load(at); at += stride;
    const x2 = v128.load(at); at += stride;
    const x3 = v128.load(at); at += stride;
    const x4 = v128.load(at); at += stride;
    const x5 = v128.load(at); at += stride;
    const x6 = v128.load(at); at += stride;
    const x7 = v128.load(at);
    const first = f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3));
    const second = f32x4.add(f32x4.add(x4, x5), f32x4.add(x6, x7));
    addWide(total + ((<usize>i) << 3), f32x4.add(first, second));
  }
  for (; i < width; i++) {
    let at = rows + ((<usize>i) << 2);
    let sum: f64 = 0;
    for (let row = 0; row < 8; row++) {
      sum += <f64>f32.load(at);
      at += stride;
    }
    const wide = total + ((<usize>i) << 3);
    f64.store(wide, f64.load(wide) + sum);
  }
}

/** Bytes of workspace that `sumRows` needs: where each target's rows begin, rows by target, and sums of one target. */
export function sumRowsWorkspaceBytes(rowCount: i32, width: i32, count: i32): i32 {
  return (count + 1 + rowCount) * 4 + 8 + totalBytes(width);
}

/** out [count, W] = Σ of the rows [R, W] whose target it is, in the order of rows. */
export function sumRows(
  rows: usize, targets: usize, out: usize, rowCount: i32, width: i32, count: i32, workspace: usize,
): void {
  const stride = (<usize>width) << 2;
  const ends = workspace;
  const order = ends + ((<usize>(count + 1)) << 2);
  const total = (order + ((<usize>rowCount) << 2) + 7) & ~(<usize>7);
  sortByTarget(targets, ends, order, rowCount, count);
  let place = 0;
  for (let target = 0; target < count; target++) {
    const end = load<i32>(ends + ((<usize>target) << 2));
    const to = out + <usize>target * stride;
    const isLong = end - place > STRETCH;
    if (isLong) memory.fill(total, 0, totalBytes(width));
    memory.fill(to, 0, stride);
    while (place < end) {
      const until = min(place + STRETCH, end);
      for (; place < until; place++)
        addRow(to, rows + <usize>load<i32>(order + ((<usize>place) << 2)) * stride, width);
      if (isLong) addStretch(total, to, width);
    }
    if (isLong) storeTotal(to, total, width);
  }
}

/** order [R] = rows by their target, and `ends` [count] where those of each end. */
function sortByTarget(targets: usize, ends: usize, order: usize, rowCount: i32, count: i32): void {
  memory.fill(ends, 0, (<usize>(count + 1)) << 2);
  for (let row = 0; row < rowCount; row++) {
    const next = ends + ((<usize>(load<i32>(targets + ((<usize>row) << 2)) + 1)) << 2);
    store<i32>(next, load<i32>(next) + 1);
  }
  for (let target = 1; target < count; target++) {
    const at = ends + ((<usize>target) << 2);
    store<i32>(at, load<i32>(at) + load<i32>(at - 4));
  }
  for (let row = 0; row < rowCount; row++) {
    const at = ends + ((<usize>load<i32>(targets + ((<usize>row) << 2))) << 2);
    const place = load<i32>(at);
    store<i32>(order + ((<usize>place) << 2), row);
    store<i32>(at, place + 1);
  }
}

/** out [outer] = Σ of each row of x [outer, inner] */
export function rowSums(x: usize, out: usize, outer: i32, inner: i32): void {
  for (let row = 0; row < outer; row++) {
    let total: f64 = 0;
    for (let begin = 0; begin < inner; begin += ROW_STRETCH)
      total += <f64>sumOf(x + ((<usize>row * <usize>inner + <usize>begin) << 2), min(ROW_STRETCH, inner - begin));
    f32.store(out + ((<usize>row) << 2), <f32>total);
  }
}

// @ts-ignore: decorator
@inline
function sumOf(x: usize, count: i32): f32 {
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  let i = 0;
  for (; i + 16 <= count; i += 16) {
    const at = x + ((<usize>i) << 2);
    s0 = f32x4.add(s0, v128.load(at));
    s1 = f32x4.add(s1, v128.load(at, 16));
    s2 = f32x4.add(s2, v128.load(at, 32));
    s3 = f32x4.add(s3, v128.load(at, 48));
  }
  let rest: f32 = 0;
  for (; i < count; i++) rest += f32.load(x + ((<usize>i) << 2));
  return sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3))) + rest;
}
