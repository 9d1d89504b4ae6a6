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
/** Bytes of workspace that `product` needs for N columns. */
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

/** c = act(value + bias), or act(c + value + bias) where c holds what earlier depths gave. */
// @ts-ignore: decorator
@inline
function finish(c: usize, value: v128, first: bool, bias: usize, relu: bool): void {
  let result = value;
  if (!first) result = f32x4.add(v128.load(c), result);
  if (bias) result = f32x4.add(result, v128.load(bias));
  if (relu) result = f32x4.max(result, f32x4.splat(0));
  v128.store(c, result);
}

/** One 6×8 block: c (+)= packed A panel · packed B panel, summed from 0, then bias and ReLU where they are given. */
function block(a: usize, b: usize, depth: i32, c: usize, stride: usize, first: bool, bias: usize, relu: bool): void {
  let c00 = f32x4.splat(0), c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0), c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0), c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0), c31 = f32x4.splat(0);
  let c40 = f32x4.splat(0), c41 = f32x4.splat(0);
  let c50 = f32x4.splat(0), c51 = f32x4.splat(0);
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
  finish(row, c00, first, bias, relu); finish(row + 16, c01, first, bias1, relu); row += stride;
  finish(row, c10, first, bias, relu); finish(row + 16, c11, first, bias1, relu); row += stride;
  finish(row, c20, first, bias, relu); finish(row + 16, c21, first, bias1, relu); row += stride;
  finish(row, c30, first, bias, relu); finish(row + 16, c31, first, bias1, relu); row += stride;
  finish(row, c40, first, bias, relu); finish(row + 16, c41, first, bias1, relu); row += stride;
  finish(row, c50, first, bias, relu); finish(row + 16, c51, first, bias1, relu);
}

/** A block at the rim: computed in the workspace, its real part copied; bias and ReLU element by element. */
function edge(
  a: usize, b: usize, depth: i32, c: usize, stride: usize, height: i32, width: i32, first: bool, bias: usize,
  relu: bool, scratch: usize,
): void {
  block(a, b, depth, scratch, COLUMNS * 4, true, 0, false);
  for (let i = 0; i < height; i++)
    for (let j = 0; j < width; j++) {
      const at = c + <usize>i * stride + ((<usize>j) << 2);
      let value = f32.load(scratch + ((<usize>(i * COLUMNS + j)) << 2));
      if (!first) value = f32.load(at) + value;
      if (bias) value += f32.load(bias + ((<usize>j) << 2));
      if (relu) value = max<f32>(value, 0);
      f32.store(at, value);
    }
}

/** See the head of the file. `bias` [N] may be 0; workspace as `matmulWorkspaceBytes` says. */
export function matmul(
  a: usize, aRowStride: i32, aColumnStride: i32,
  b: usize, bRowStride: i32, bColumnStride: i32,
  c: usize, m: i32, n: i32, k: i32, bias: usize, relu: bool, workspace: usize,
): void {
  product(
    a, aRowStride, aColumnStride, b, bRowStride, bColumnStride, c, m, n, k, bias, relu, DEPTH, DEPTH, workspace,
  );
}

/** The same with at most `packed` ≤ DEPTH of K packed at once, and at most `stretch` of them added up in one chain. */
export function product(
  a: usize, aRowStride: i32, aColumnStride: i32,
  b: usize, bRowStride: i32, bColumnStride: i32,
  c: usize, m: i32, n: i32, k: i32, bias: usize, relu: bool, packed: i32, stretch: i32, workspace: usize,
): void {
  const panels = (n + COLUMNS - 1) / COLUMNS;
  const packedB = workspace;
  const packedA = packedB + ((<usize>(panels * COLUMNS * DEPTH)) << 2);
  const scratch = packedA + ((<usize>(HEIGHT * DEPTH)) << 2);
  const stride = (<usize>n) << 2;
  for (let k0 = 0; k0 < k; k0 += packed) {
    const depth = min(packed, k - k0);
    packColumns(b + ((<usize>(k0 * bRowStride)) << 2), bRowStride, bColumnStride, depth, n, packedB);
    for (let m0 = 0; m0 < m; m0 += HEIGHT) {
      const height = min(HEIGHT, m - m0);
      const from = a + ((<usize>(m0 * aRowStride + k0 * aColumnStride)) << 2);
      packRows(from, aRowStride, aColumnStride, height, depth, packedA);
      for (let j = 0; j < panels; j++) {
        const panelB = packedB + ((<usize>(j * COLUMNS * depth)) << 2);
        const width = min(COLUMNS, n - j * COLUMNS);
        for (let i = 0; i < height; i += ROWS) {
          const panelA = packedA + ((<usize>(i * depth)) << 2);
          const out = c + <usize>(m0 + i) * stride + ((<usize>(j * COLUMNS)) << 2);
          const rows = min(ROWS, height - i);
          for (let begin = 0; begin < depth; begin += stretch) {
            const end = min(begin + stretch, depth);
            const first = k0 + begin == 0;
            const last = k0 + end == k;
            const panelBias: usize = last && bias ? bias + ((<usize>(j * COLUMNS)) << 2) : 0;
            const left = panelA + ((<usize>(begin * ROWS)) << 2);
            const right = panelB + ((<usize>(begin * COLUMNS)) << 2);
            if (rows == ROWS && width == COLUMNS)
              block(left, right, end - begin, out, stride, first, panelBias, last && relu);
            else edge(left, right, end - begin, out, stride, rows, width, first, panelBias, last && relu, scratch);
          }
        }
      }
    }
  }
}
