/** @file Runs anywhere. The encoder's input: token rows + segment rows + position rows (book.md 3, no scale, no norm). */
import * as tf from '@tensorflow/tfjs-core';
import type { EmbeddedRows } from '../distinctRows.ts';
import { hasKernel, KERNELS, runKernel, withGradient } from './dispatch.ts';
import { lookUp } from './rows.ts';

/**
 * tokenRows [E, H] (already gathered: their gradient leaves the tape as [E, H], so the table's stays sparse),
 * segmentTable [2, H], positionTable [1, M, H] -> [E, H]
 */
export function embeddingSum(
  tokenRows: tf.Tensor2D,
  segmentTable: tf.Tensor2D,
  positionTable: tf.Tensor3D,
  rows: EmbeddedRows,
): tf.Tensor2D {
  const positions = tf.reshape(positionTable, [
    positionTable.shape[1],
    positionTable.shape[2],
  ]) as tf.Tensor2D;
  if (hasKernel(KERNELS.embeddingSum)) return fused(tokenRows, segmentTable, positions, rows);
  const places = tf.add(lookUp(segmentTable, rows.segments), lookUp(positions, rows.positions));
  return tf.add(tokenRows, places) as tf.Tensor2D;
}

/** Registered pair: (tokenRows, segmentTable, positionTable) -> x, and (dy) -> dSegmentTable, dPositionTable. */
function fused(
  tokenRows: tf.Tensor2D,
  segmentTable: tf.Tensor2D,
  positionTable: tf.Tensor2D,
  rows: EmbeddedRows,
): tf.Tensor2D {
  const { segments, positions } = rows;
  const attributes = { segments, positions, tableRows: positionTable.shape[0] };
  return withGradient([tokenRows, segmentTable, positionTable], (rowsIn, segmentsIn, positionsIn) => {
    const forward = { tokenRows: rowsIn!, segmentTable: segmentsIn!, positionTable: positionsIn! };
    return {
      value: runKernel(KERNELS.embeddingSum, forward, attributes)[0]!,
      saved: [],
      gradient: (dy) => [tf.clone(dy), ...runKernel(KERNELS.embeddingSumGradient, { dy }, attributes)],
    };
  }) as tf.Tensor2D;
}
