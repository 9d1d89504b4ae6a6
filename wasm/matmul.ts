/**
 * Matrix product for WebAssembly: C[M, N] = act(A[M, K]·B[K, N] + bias), any strides, so that transposed operands cost
 * nothing but their packing. After Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008):
 * B is packed in panels of 8 columns, A in panels of 6 rows, and a 6×8 block of C stays in registers.
 * All addresses are bytes in the memory that is shared with tfjs, all strides are counted in elements.
 */

const ROWS = 6;
const COLUMNS = 8;
/** Depth of one packed block: a panel of B (8 · 256 floats = 8 KiB) stays in the first cache. */
const DEPTH = 256;
/** Rows of A packed at once: 96 · 256 floats = 96 KiB, the second cache's share. */
const HEIGHT = 96;

/** Bytes of workspace that `matmul` needs for N columns. */
export function matmulWorkspaceBytes(n: i32): i32 {
  const panels = (n + COLUMNS - 1) / COLUMNS;
  return (panels * COLUMNS * DEPTH + HEIGHT * DEPTH + ROWS * COLUMNS) * 4;
}

// @ts-ignore: decorator
@inline
function packColumns(b: usize, rowStride: i32, columnStride: i32, depth: i32, n: i32, packed: usize): void {
  let out = packed;
  for (let column = 0; column < n; column += COLUMNS) {
    const width = min(COLUMNS, n - column);
    if (width == COLUMNS && columnStride == 1) {
      let from = b + ((<usize>column) << 2);
      for (let k = 0; k < depth; k++) {
        v128.store(out, v128.load(from));
        v128.store(out, v128.load(from, 16), 16);
        from += (<usize>rowStride) << 2;
        out += 32;
      }
      continue;
    }
    for (let k = 0; k < depth; k++) {
      let from = b + ((<usize>(k * rowStride + column * columnStride)) << 2);
      for (let i = 0; i < COLUMNS; i++) {
        f32.store(out, i < width ? f32.load(from) : 0);
        out += 4;
        if (i < width) from += (<usize>columnStride) << 2;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function packRows(a: usize, rowStride: i32, columnStride: i32, m: i32, depth: i32, packed: usize): void {
  let out = packed;
  for (let row = 0; row < m; row += ROWS) {
    const height = min(ROWS, m - row);
    const base = a + ((<usize>(row * rowStride)) << 2);
    for (let k = 0; k < depth; k++) {
      let from = base + ((<usize>(k * columnStride)) << 2);
      for (let i = 0; i < ROWS; i++) {
        f32.store(out, i < height ? f32.load(from) : 0);
        out += 4;
        if (i < height) from += (<usize>rowStride) << 2;
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function finish(value: v128, bias: usize, relu: bool): v128 {
  let result = value;
  if (bias) result = f32x4.add(result, v128.load(bias));
  if (relu) result = f32x4.max(result, f32x4.splat(0));
  return result;
}

/** One 6×8 block: c += packed A panel · packed B panel. `last` adds the bias and applies ReLU. */
function block(a: usize, b: usize, depth: i32, c: usize, stride: usize, first: bool, bias: usize, relu: bool): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0), c51 = f32x4.splat(0);
  if (!first) {
    let row = c;
    c00 = v128.load(row); c01 = v128.load(row, 16); row += stride;
    c10 = v128.load(row); c11 = v128.load(row, 16); row += stride;
    c20 = v128.load(row); c21 = v128.load(row, 16); row += stride;
    c30 = v128.load(row); c31 = v128.load(row, 16); row += stride;
    c40 = v128.load(row); c41 = v128.load(row, 16); row += stride;
    c50 = v128.load(row); c51 = v128.load(row, 16);
  }
  for (let k = 0; k < depth; k++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<f32>(a);
    c00 = f32x4.relaxed_madd(x, b0, c00); c01 = f32x4.relaxed_madd(x, b1, c01);
    x = v128.load_splat<f32>(a, 4);
    c10 = f32x4.relaxed_madd(x, b0, c10); c11 = f32x4.relaxed_madd(x, b1, c11);
    x = v128.load_splat<f32>(a, 8);
    c20 = f32x4.relaxed_madd(x, b0, c20); c21 = f32x4.relaxed_madd(x, b1, c21);
    x = v128.load_splat<f32>(a, 12);
    c30 = f32x4.relaxed_madd(x, b0, c30); c31 = f32x4.relaxed_madd(x, b1, c31);
    x = v128.load_splat<f32>(a, 16);
    c40 = f32x4.relaxed_madd(x, b0, c40); c41 = f32x4.relaxed_madd(x, b1, c41);
    x = v128.load_splat<f32>(a, 20);
    c50 = f32x4.relaxed_madd(x, b0, c50); c51 = f32x4.relaxed_madd(x, b1, c51);
    a += 24;
    b += 32;
  }
  const bias1: usize = bias ? bias + 16 : 0;
  let row = c;
  v128.store(row, finish(c00, bias, relu)); v128.store(row, finish(c01, bias1, relu), 16); row += stride;
  v128.store(row, finish(c10, bias, relu)); v128.store(row, finish(c11, bias1, relu), 16); row += stride;
  v128.store(row, finish(c20, bias, relu)); v128.store(row, finish(c21, bias1, relu), 16); row += stride;
  v128.store(row, finish(c30, bias, relu)); v128.store(row, finish(c31, bias1, relu), 16); row += stride;
  v128.store(row, finish(c40, bias, relu)); v128.store(row, finish(c41, bias1, relu), 16); row += stride;
  v128.store(row, finish(c50, bias, relu)); v128.store(row, finish(c51, bias1, relu), 16);
}

/** A block at the rim: computed in the workspace, its real part copied; bias and ReLU element by element. */
function edge(
  a: usize, b: usize, depth: i32, c: usize, stride: usize, height: i32, width: i32, first: bool, bias: usize,
  relu: bool, scratch: usize,
): void {
  if (!first)
    for (let i = 0; i < height; i++)
      for (let j = 0; j < width; j++)
        f32.store(scratch + ((<usize>(i * COLUMNS + j)) << 2), f32.load(c + <usize>i * stride + ((<usize>j) << 2)));
  block(a, b, depth, scratch, COLUMNS * 4, first, 0, false);
  for (let i = 0; i < height; i++)
    for (let j = 0; j < width; j++) {
      let value = f32.load(scratch + ((<usize>(i * COLUMNS + j)) << 2));
      if (bias) value += f32.load(bias + ((<usize>j) << 2));
      if (relu) value = max<f32>(value, 0);
      f32.store(c + <usize>i * stride + ((<usize>j) << 2), value);
    }
}

/** See the head of the file. `bias` [N] may be 0; workspace as `matmulWorkspaceBytes` says. */
export function matmul(
  a: usize, aRowStride: i32, aColumnStride: i32,
  b: usize, bRowStride: i32, bColumnStride: i32,
  c: usize, m: i32, n: i32, k: i32, bias: usize, relu: bool, workspace: usize,
): void {
  const panels = (n + COLUMNS - 1) / COLUMNS;
  const packedB = workspace;
  const packedA = packedB + ((<usize>(panels * COLUMNS * DEPTH)) << 2);
  const scratch = packedA + ((<usize>(HEIGHT * DEPTH)) << 2);
  const stride = (<usize>n) << 2;
  for (let k0 = 0; k0 < k; k0 += DEPTH) {
    const depth = min(DEPTH, k - k0);
    const first = k0 == 0;
    const last = k0 + depth == k;
    packColumns(b + ((<usize>(k0 * bRowStride)) << 2), bRowStride, bColumnStride, depth, n, packedB);
    for (let m0 = 0; m0 < m; m0 += HEIGHT) {
      const height = min(HEIGHT, m - m0);
      const from = a + ((<usize>(m0 * aRowStride + k0 * aColumnStride)) << 2);
      packRows(from, aRowStride, aColumnStride, height, depth, packedA);
      for (let j = 0; j < panels; j++) {
        const panelB = packedB + ((<usize>(j * COLUMNS * depth)) << 2);
        const width = min(COLUMNS, n - j * COLUMNS);
        const panelBias: usize = last && bias ? bias + ((<usize>(j * COLUMNS)) << 2) : 0;
        for (let i = 0; i < height; i += ROWS) {
          const panelA = packedA + ((<usize>(i * depth)) << 2);
          const out = c + <usize>(m0 + i) * stride + ((<usize>(j * COLUMNS)) << 2);
          const rows = min(ROWS, height - i);
          if (rows == ROWS && width == COLUMNS)
            block(panelA, panelB, depth, out, stride, first, panelBias, last && relu);
          else edge(panelA, panelB, depth, out, stride, rows, width, first, panelBias, last && relu, scratch);
        }
      }
    }
  }
}
