/** @file Node. EntailSumRows on TensorFlow: sums of rows by what they belong to, in chains of bounded length. */
import * as tf from '@tensorflow/tfjs-core';
import type { TensorflowOps } from '../ops.ts';

/** Rows added in one chain. */
const LONGEST_CHAIN = 64;

interface RowTargets {
  /** [R], 0 … count - 1: what each row belongs to. */
  readonly targets: Int32Array;
  readonly count: number;
}

/**
 * Sums rows [R, W] into [count, W]. TensorFlow adds the rows of a target in one chain, and a batch has thousands of `<cls>`
 * and of first positions: so a target of many rows has several chains, whose sums are added up.
 */
export function sumRows(
  ops: TensorflowOps,
  { rows }: { readonly rows: tf.Tensor2D },
  { targets, count }: RowTargets,
): tf.Tensor2D {
  const chains = chainsOf({ targets, count });
  if (chains === null) return segmentSum(ops, rows, { targets, count });
  const sums = segmentSum(ops, rows, { targets: chains.ofRows, count: chains.targets.length });
  const summed = sumRows(ops, { rows: sums }, { targets: chains.targets, count });
  sums.dispose();
  return summed;
}

/** The chain of each row, and the target of each chain; null where every target is one chain. */
function chainsOf({ targets, count }: RowTargets): { ofRows: Int32Array; targets: Int32Array } | null {
  const lengths = new Int32Array(count);
  for (const target of targets) lengths[target]! += 1;
  if (lengths.every((length) => length <= LONGEST_CHAIN)) return null;
  const chainTargets: number[] = [];
  const newestOf = new Int32Array(count);
  lengths.fill(0);
  const ofRows = targets.map((target) => {
    if (lengths[target]! % LONGEST_CHAIN === 0) newestOf[target] = chainTargets.push(target) - 1;
    lengths[target]! += 1;
    return newestOf[target]!;
  });
  return { ofRows, targets: Int32Array.from(chainTargets) };
}

function segmentSum(ops: TensorflowOps, rows: tf.Tensor2D, { targets, count }: RowTargets): tf.Tensor2D {
  const types = [ops.type('T', 'float'), ops.type('Tindices', 'int32'), ops.type('Tnumsegments', 'int32')];
  const [segments, segmentCount] = [tf.tensor1d(targets, 'int32'), tf.scalar(count, 'int32')];
  const sums = ops.one('UnsortedSegmentSum', types, [rows, segments, segmentCount]) as tf.Tensor2D;
  tf.dispose([segments, segmentCount]);
  return sums;
}
