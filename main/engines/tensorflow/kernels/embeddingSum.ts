/**
 * @file Node. EntailEmbeddingSum on TensorFlow: token rows + segment row + position row. Segment and position are
 * looked up together, in a table of their sums: one gather forward, one segment sum backward.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowOps } from '../ops.ts';
import { sumRows } from './rows.ts';

interface EmbeddingInputs {
  /** [R, H] */
  readonly tokenRows: tf.Tensor2D;
  /** [S, H] */
  readonly segmentTable: tf.Tensor2D;
  /** [M, H] */
  readonly positionTable: tf.Tensor2D;
}

export interface PlaceAttributes {
  /** [R] */
  readonly segments: Int32Array;
  /** [R] */
  readonly positions: Int32Array;
  /** M */
  readonly tableRows: number;
}

/** BERT has two. */
const SEGMENTS = 2;

export function embeddingSum(inputs: EmbeddingInputs, attributes: PlaceAttributes): tf.Tensor[] {
  const { tokenRows, segmentTable, positionTable } = inputs;
  const width = tokenRows.shape[1];
  const used = usedPositions(attributes);
  return tf.tidy(() => {
    const positions = tf.reshape(tf.slice(positionTable, [0, 0], [used, width]), [1, used, width]);
    const sums = tf.add(tf.reshape(segmentTable, [SEGMENTS, 1, width]), positions);
    const places = tf.gather(
      tf.reshape(sums, [SEGMENTS * used, width]),
      tf.tensor1d(placesOf(attributes, used), 'int32'),
    );
    return [tf.add(tokenRows, places)];
  });
}

/** -> dSegmentTable [2, H], dPositionTable [M, H] */
export function embeddingSumGradient(
  ops: TensorflowOps,
  { dy }: { readonly dy: tf.Tensor2D },
  attributes: PlaceAttributes,
): tf.Tensor[] {
  const width = dy.shape[1];
  const used = usedPositions(attributes);
  return tf.tidy(() => {
    const places = { targets: placesOf(attributes, used), count: SEGMENTS * used };
    const sums = tf.reshape(sumRows(ops, { rows: dy }, places), [SEGMENTS, used, width]);
    const dPositions = tf.pad(tf.sum(sums, 0) as tf.Tensor2D, [
      [0, attributes.tableRows - used],
      [0, 0],
    ]);
    return [tf.sum(sums, 1), dPositions];
  });
}

/** How many rows of the position table a batch reaches. */
function usedPositions({ positions }: PlaceAttributes): number {
  return positions.reduce((most, position) => Math.max(most, position), 0) + 1;
}

/** [R] row in the table of sums */
function placesOf({ segments, positions }: PlaceAttributes, used: number): Int32Array {
  return positions.map((position, row) => segments[row]! * used + position);
}
