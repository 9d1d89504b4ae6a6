/** @file Node. Matrix products of the `wasm` engine, and tfjs' BatchMatMul on top of them. */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelModule } from './kernelModule.ts';

export interface ProductPlan {
  readonly size: { readonly m: number; readonly n: number; readonly k: number };
  /** Strides in elements along (m, k) of A and (k, n) of B. */
  readonly strides: { readonly a: readonly [number, number]; readonly b: readonly [number, number] };
  readonly epilogue?: { readonly bias: number; readonly relu: boolean };
}

/** C [m, n] = A·B (+ bias, ReLU) at the addresses (a, b, c). */
export function matmulInto(
  kernels: KernelModule,
  [a, b, c]: readonly [number, number, number],
  { size, strides, epilogue }: ProductPlan,
): void {
  const { m, n, k } = size;
  if (strides.a[0] === 1 && epilogue === undefined) {
    const { scratch } = kernels.workspace(kernels.call('matmulOverRowsWorkspaceBytes', m, n, k));
    kernels.call('matmulOverRows', a, strides.a[1], b, ...strides.b, c, m, n, k, scratch);
    return;
  }
  const { scratch } = kernels.workspace(kernels.call('matmulWorkspaceBytes', n));
  const { bias, relu } = epilogue ?? { bias: 0, relu: false };
  kernels.call('matmul', a, ...strides.a, b, ...strides.b, c, m, n, k, bias, relu ? 1 : 0, scratch);
}

/**
 * Replaces tfjs' kernel: its transposed product is a naive loop, and its fast one caches packed weights by tensor id,
 * which an optimizer that works in place would make stale.
 */
export function registerMatmul(kernels: KernelModule): void {
  tf.unregisterKernel('BatchMatMul', 'wasm');
  tf.registerKernel({
    kernelName: 'BatchMatMul',
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const { a, b } = inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
      const { transposeA, transposeB } = attrs as unknown as { transposeA: boolean; transposeB: boolean };
      return batchMatmul(
        kernels,
        { tensor: a, transposed: transposeA },
        { tensor: b, transposed: transposeB },
      );
    },
  });
}

interface Operand {
  readonly tensor: tf.TensorInfo;
  readonly transposed: boolean;
}

function batchMatmul(kernels: KernelModule, a: Operand, b: Operand): tf.TensorInfo {
  const left = matrixOf(a);
  const right = matrixOf(b);
  if (left.columns !== right.rows)
    throw new Error(`Error in matMul: inner shapes ${left.columns} and ${right.rows} do not match.`);
  if (left.batch !== right.batch && left.batch !== 1 && right.batch !== 1)
    throw new Error(`Error in matMul: batches ${left.batch} and ${right.batch} cannot be broadcast.`);
  const outer = left.batch >= right.batch ? a.tensor.shape.slice(0, -2) : b.tensor.shape.slice(0, -2);
  const out = kernels.output([...outer, left.rows, right.columns]);
  const plan: ProductPlan = {
    size: { m: left.rows, n: right.columns, k: left.columns },
    strides: { a: left.strides, b: right.strides },
  };
  const [aAt, bAt, cAt] = [a.tensor, b.tensor, out].map((tensor) => kernels.address(tensor)) as [
    number,
    number,
    number,
  ];
  for (let index = 0; index < Math.max(left.batch, right.batch); index++) {
    const aFrom = aAt + (left.batch === 1 ? 0 : index * left.rows * left.columns * 4);
    const bFrom = bAt + (right.batch === 1 ? 0 : index * right.rows * right.columns * 4);
    matmulInto(kernels, [aFrom, bFrom, cAt + index * left.rows * right.columns * 4], plan);
  }
  return out;
}

/** Rows, columns and strides as the product sees them, after any transposition. */
function matrixOf({ tensor, transposed }: Operand) {
  const shape = tensor.shape;
  const storedRows = shape[shape.length - 2]!;
  const storedColumns = shape[shape.length - 1]!;
  const batch = shape.slice(0, -2).reduce((product, size) => product * size, 1);
  const strides: readonly [number, number] = transposed ? [1, storedColumns] : [storedColumns, 1];
  return {
    batch,
    rows: transposed ? storedColumns : storedRows,
    columns: transposed ? storedRows : storedColumns,
    strides,
  };
}
