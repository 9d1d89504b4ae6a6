/** @file Node. EntailEmbeddingSum, and kernels that move or sum whole rows by an index that JavaScript made. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS } from '../../../model/kernels/dispatch.ts';
import { type Call, checkedInput, type KernelTable } from './kernel.ts';

/** tokenRows [E, H], segmentTable [S, H], positionTable [M, H] -> [E, H] */
function embeddingSum(call: Call): TensorInfo {
  const { backend, binding } = call;
  const { segments, positions } = call.attributes as { segments: Int32Array; positions: Int32Array };
  const tokenRows = checkedInput(call, 'tokenRows', [segments.length, null]);
  const width = tokenRows.shape[1]!;
  const handle = binding.embeddingSum(
    {
      tokenRows: backend.handleOf(tokenRows),
      segmentTable: backend.handleOf(checkedInput(call, 'segmentTable', [null, width])),
      positionTable: backend.handleOf(checkedInput(call, 'positionTable', [null, width])),
    },
    { width, segments, positions },
  );
  return backend.tensor(handle, tokenRows.shape);
}

const SEGMENTS = 2;

/** rows [B, W] -> [count, W] */
function summed(
  { backend, binding }: Call,
  rows: TensorInfo,
  targets: Int32Array,
  count: number,
): TensorInfo {
  const width = rows.shape[1]!;
  return backend.tensor(binding.sumRows(backend.handleOf(rows), width, targets, count), [count, width]);
}

/** -> dSegmentTable [2, H], dPositionTable [M, H] */
function embeddingSumGradient(call: Call): TensorInfo[] {
  const { segments, positions, tableRows } = call.attributes as {
    segments: Int32Array;
    positions: Int32Array;
    tableRows: number;
  };
  const dy = checkedInput(call, 'dy', [segments.length, null]);
  return [summed(call, dy, segments, SEGMENTS), summed(call, dy, positions, tableRows)];
}

/** x [A, W] by index [B] -> [B, W]; A means a row of zeros */
function gatherRows(call: Call): TensorInfo {
  const { backend, binding } = call;
  const x = checkedInput(call, 'x', [null, null]);
  const { index } = call.attributes as { index: Int32Array };
  const width = x.shape[1]!;
  return backend.tensor(binding.gatherRows(backend.handleOf(x), width, index), [index.length, width]);
}

function sumRows(call: Call): TensorInfo {
  const { targets, count } = call.attributes as { targets: Int32Array; count: number };
  return summed(call, checkedInput(call, 'rows', [targets.length, null]), targets, count);
}

export const rowKernels: KernelTable = [
  [KERNELS.embeddingSum, embeddingSum],
  [KERNELS.embeddingSumGradient, embeddingSumGradient],
  [KERNELS.gatherRows, gatherRows],
  [KERNELS.sumRows, sumRows],
];
