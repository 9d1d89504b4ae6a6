/** @file Node. tfjs' matrix product over leading dimensions. */
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type Call, input, type KernelTable } from './kernel.ts';

interface Side {
  readonly batch: number[];
  readonly rows: number;
  readonly columns: number;
}

function sideOf({ shape }: TensorInfo, transposed: boolean): Side {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const batch = shape.slice(0, -2);
  return transposed ? { batch, rows: columns, columns: rows } : { batch, rows, columns };
}

function product(call: Call): TensorInfo | null {
  const [a, b] = [input(call, 'a'), input(call, 'b')];
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return null;
  const { transposeA, transposeB } = call.attributes as { transposeA: boolean; transposeB: boolean };
  const [left, right] = [sideOf(a, transposeA), sideOf(b, transposeB)];
  if (left.columns !== right.rows)
    throw new Error(
      `Error in ${call.name}: inner shapes (${left.columns}) and (${right.rows}) of [${a.shape}] and [${b.shape}] must match.`,
    );
  const [leftBatch, rightBatch] = [util.sizeFromShape(left.batch), util.sizeFromShape(right.batch)];
  // Batches that differ axis by axis are rare: tfjs' own kernel does them.
  if (leftBatch !== 1 && rightBatch !== 1 && !util.arraysEqual(left.batch, right.batch)) return null;
  const batch = Math.max(leftBatch, rightBatch) * Math.min(1, leftBatch, rightBatch);
  const outer = rightBatch === 1 ? left.batch : right.batch;
  const handle = call.binding.matmul(call.backend.handleOf(a), call.backend.handleOf(b), {
    batch,
    rows: left.rows,
    inner: left.columns,
    columns: right.columns,
    ...{ transposeA, transposeB },
    broadcastA: leftBatch === 1 && batch > 1,
    broadcastB: rightBatch === 1 && batch > 1,
    precision: call.backend.precision,
  });
  return call.backend.tensor(handle, [...outer, left.rows, right.columns]);
}

export const matmulKernels: KernelTable = [['BatchMatMul', product]];
