/** @file Runs anywhere. Multi-head attention over packed rows: every pair attends to itself only. */
import * as tf from '@tensorflow/tfjs-core';
import type { DropoutSource } from '../dropout.ts';
import { longestPair, type PaddingMaps, paddingMaps, type RowLayout } from '../packedBatch.ts';
import { hasKernel, KERNELS, runKernel } from './dispatch.ts';
import { attentionMask } from './dropoutMask.ts';
import { gatherRows } from './rows.ts';

export interface AttentionOptions {
  readonly heads: number;
  readonly layout: RowLayout;
  /** null outside training */
  readonly dropout: DropoutSource | null;
  readonly place: number;
  /** Called with the weights before dropout, padded [P, N, T, T]; asking for them takes the composite way. */
  readonly onWeights?: (weights: tf.Tensor4D) => void;
}

/** q, k, v [R, H] -> context [R, H]: softmax(q·kᵀ / √D) · v for each pair and head (book.md 3). */
export function attention(
  q: tf.Tensor2D,
  k: tf.Tensor2D,
  v: tf.Tensor2D,
  options: AttentionOptions,
): tf.Tensor2D {
  if (hasKernel(KERNELS.attention) && options.onWeights === undefined)
    return fusedAttention(q, k, v, options);
  return compositeAttention(q, k, v, options);
}

/** Registered pair: (q, k, v) -> context, and (dy, q, k, v) -> dq, dk, dv, which computes the softmax again. */
function fusedAttention(
  q: tf.Tensor2D,
  k: tf.Tensor2D,
  v: tf.Tensor2D,
  options: AttentionOptions,
): tf.Tensor2D {
  const attributes = {
    heads: options.heads,
    layout: options.layout,
    dropout: options.dropout,
    place: options.place,
  };
  const run = tf.customGrad((...inputs) => {
    const [qIn, kIn, vIn] = inputs as tf.Tensor[];
    const save = inputs[3] as unknown as tf.GradSaveFunc;
    const context = runKernel(KERNELS.attention, { q: qIn!, k: kIn!, v: vIn! }, attributes)[0]!;
    save([qIn!, kIn!, vIn!]);
    return {
      value: context,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        runKernel(KERNELS.attentionGradient, { dy, q: saved[0]!, k: saved[1]!, v: saved[2]! }, attributes),
    };
  });
  return run(q, k, v) as tf.Tensor2D;
}

/** [R, H] -> [P, N, T, D] through a gather; places of padding hold some row. */
export function toHeads(x: tf.Tensor2D, maps: PaddingMaps, pairs: number, heads: number): tf.Tensor4D {
  const width = x.shape[1];
  const longest = maps.packedOfPadded.length / pairs;
  const padded = gatherRows(x, maps.anyOfPadded, maps.paddedOfPacked);
  return tf.transpose(tf.reshape(padded, [pairs, longest, heads, width / heads]), [0, 2, 1, 3]);
}

function compositeAttention(
  q: tf.Tensor2D,
  k: tf.Tensor2D,
  v: tf.Tensor2D,
  options: AttentionOptions,
): tf.Tensor2D {
  const { layout, heads, dropout } = options;
  const pairs = layout.offsets.length - 1;
  const longest = longestPair(layout);
  const width = q.shape[1];
  const maps = paddingMaps(layout);
  const split = (x: tf.Tensor2D) => toHeads(x, maps, pairs, heads);
  const scores = tf.mul(tf.matMul(split(q), split(k), false, true), 1 / Math.sqrt(width / heads));
  const penalty = tf.tensor4d(maps.keyPenalty, [pairs, 1, 1, longest]);
  const weights = tf.softmax(tf.add(scores, penalty)) as tf.Tensor4D;
  options.onWeights?.(weights);
  const kept =
    dropout === null
      ? weights
      : tf.mul(weights, attentionMask(layout, { heads, firstQueryOnly: false }, dropout, options.place));
  const context = tf.transpose(tf.matMul(kept, split(v)), [0, 2, 1, 3]);
  return gatherRows(tf.reshape(context, [pairs * longest, width]), maps.paddedOfPacked, maps.packedOfPadded);
}
