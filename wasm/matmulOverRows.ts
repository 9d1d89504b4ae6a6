/**
 * Products that are sums over rows, the gradients of weights: C[M, N] = Aᵀ·B of A[K, M] and B[K, N], with K up to many
 * thousands. In one chain of additions such sums lose a decimal place; where terms cancel, as in heads that tell two classes
 * apart, what is left of a gradient loses more, and two processes that take half of the rows each would not have the gradient
 * of one. So rows are taken in stretches, each a chain of its own; stretches are added up in groups; and sums of groups keep
 * what rounding takes from them.
 */
import { matmulWorkspaceBytes, product } from './matmul';
import { addKeepingRest } from './twoSum';

/** Rows that are packed at once, rows in a stretch, and rows in a group. */
const PACKED = 256;
const STRETCH = 64;
const GROUP = 1024;
/** The same where the product takes no more than so many multiplications: nobody waits for them. */
const FEW = 1 << 21;
const STRETCH_OF_FEW = 4;
const GROUP_OF_FEW = 16;

// @ts-ignore: decorator
@inline
function groupOf(m: i32, n: i32, k: i32): i32 {
  return <i64>m * <i64>n * <i64>k <= FEW ? GROUP_OF_FEW : GROUP;
}

export function matmulOverRowsWorkspaceBytes(m: i32, n: i32, k: i32): i32 {
  return matmulWorkspaceBytes(n) + (k > groupOf(m, n, k) ? m * n * 8 : 0);
}

/** A lies with its M columns `aStride` numbers apart from row to row; strides of B along K and N. */
export function matmulOverRows(
  a: usize, aStride: i32, b: usize, bRowStride: i32, bColumnStride: i32,
  c: usize, m: i32, n: i32, k: i32, workspace: usize,
): void {
  const group = groupOf(m, n, k);
  const packed = min(PACKED, group);
  const stretch = group == GROUP ? STRETCH : STRETCH_OF_FEW;
  product(
    a, 1, aStride, b, bRowStride, bColumnStride, c, m, n, min(group, k), 0, false, packed, stretch, workspace,
  );
  if (k <= group) return;
  const size = m * n;
  const sums = workspace + <usize>matmulWorkspaceBytes(n);
  const rest = sums + ((<usize>size) << 2);
  memory.fill(rest, 0, (<usize>size) << 2);
  for (let begin = group; begin < k; begin += group) {
    const left = a + ((<usize>(begin * aStride)) << 2);
    const right = b + ((<usize>(begin * bRowStride)) << 2);
    const rows = min(group, k - begin);
    product(
      left, 1, aStride, right, bRowStride, bColumnStride, sums, m, n, rows, 0, false, packed, stretch, workspace,
    );
    addKeepingRest(c, rest, sums, c, rest, size);
  }
  for (let i = 0; i < size; i++) {
    const at = (<usize>i) << 2;
    f32.store(c + at, f32.load(c + at) + f32.load(rest + at));
  }
}
