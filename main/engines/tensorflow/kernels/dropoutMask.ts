/**
 * @file Node. EntailDropoutMask on TensorFlow: 0 or 1 / (1 - p) at every element, drawn by (seed, step, micro-batch,
 * place). Unlike the masks by place of the other engines these depend on the plan of micro-batches.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { DropoutSource } from '../../../model/dropout.ts';
import { philox4x32 } from '../../../model/philox.ts';
import type { TensorflowOps } from '../ops.ts';

export interface MaskAttributes {
  readonly shape: number[];
  readonly source: DropoutSource;
  readonly place: number;
}

const WORDS = 0x10000;

/** The rate is rounded to 1 / 65,536, and kept values are scaled by what is then really kept. */
export function dropoutMask(ops: TensorflowOps, { shape, source, place }: MaskAttributes): tf.Tensor {
  const threshold = Math.min(Math.round(source.rate * WORDS), WORDS - 1);
  const scale = WORDS / (WORDS - threshold);
  const count = tf.util.sizeFromShape(shape);
  return tf.tidy(() => {
    const kept = tf.reshape(ops.wordsAtLeast(threshold, count, streamOf(source, place)), shape);
    return ops.one('SelectV2', [ops.type('T', 'float')], [kept, tf.scalar(scale), tf.scalar(0)]);
  });
}

/** Two words that no other (seed, step, micro-batch, place) is likely to share. */
function streamOf({ seed, step, microBatch }: DropoutSource, place: number): [number, number] {
  const words = new Uint32Array(4);
  philox4x32([place, microBatch, step, 0], [seed, 0], words);
  return [words[0]! | 0, words[1]! | 0];
}
