/** @file Runs anywhere. Multi-head attention over packed rows: every pair attends to itself only. */
import * as tf from '@tensorflow/tfjs-core';
import type { DropoutSource } from '../dropout.ts';
import { longestPair, type PaddingMaps, paddingMaps, type RowLayout } from '../packedBatch.ts';
import { hasKernel, KERNELS, runKernel, withGradient } from './dispatch.ts';
import { attentionMask } from './dropoutMask.ts';
import { gatherRows, lookUp, sumRows } from './rows.ts';

export interface AttentionOptions {
  readonly heads: number;
  readonly layout: RowLayout;
  /** null outside training */
  readonly dropout: DropoutSource | null;
  readonly place: number;
  /**
   * [R] for rows that repeat (distinctRows.ts): q, k and v are [E, H] then, and row r of the batch has their row
   * `sources[r]`.
   */
  readonly sources?: Int32Array | null;
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
  const { sources = null, onWeights } = options;
  const fuses = hasKernel(sources === null ? KERNELS.attention : KERNELS.attentionOfSources);
  if (fuses && onWeights === undefined) return fusedAttention(q, k, v, options);
  const every = (x: tf.Tensor2D) => (sources === null ? x : lookUp(x, sources));
  return compositeAttention(every(q), every(k), every(v), options);
}

/**
 * Registered pair: (q, k, v) -> context and whatever the engine saves, and (dy, q, k, v, context, saved) -> dq, dk, dv.
 * Of sources: dq, dk and dv come as [R, H] and are summed here.
 */
function fusedAttention(
  q: tf.Tensor2D,
  k: tf.Tensor2D,
  v: tf.Tensor2D,
  options: AttentionOptions,
): tf.Tensor2D {
  const { heads, layout, dropout, place, sources = null } = options;
  const attributes = { heads, layout, dropout, place, ...(sources === null ? {} : { sources }) };
  const forward = sources === null ? KERNELS.attention : KERNELS.attentionOfSources;
  const backward = sources === null ? KERNELS.attentionGradient : KERNELS.attentionOfSourcesGradient;
  return withGradient([q, k, v], (qIn, kIn, vIn) => {
    const [context, ...more] = runKernel(forward, { q: qIn!, k: kIn!, v: vIn! }, attributes);
    return {
      value: context!,
      saved: [qIn!, kIn!, vIn!, context!, ...more],
      gradient: (dy, [qKept, kKept, vKept, contextKept, saved]) => {
        const known = { q: qKept!, k: kKept!, v: vKept!, context: contextKept! };
        const inputs = { dy, ...known, ...(saved === undefined ? {} : { saved }) };
        const gradients = runKernel(backward, inputs, attributes) as tf.Tensor2D[];
        return sources === null ? gradients : summedBySource(gradients, sources, q.shape[0]);
      },
    };
  }) as tf.Tensor2D;
}

/** [R, H] each -> [count, H] each; what was summed is freed. */
export function summedBySource(
  gradients: readonly tf.Tensor2D[],
  sources: Int32Array,
  count: number,
): tf.Tensor2D[] {
  return gradients.map((gradient) => {
    const summed = sumRows(gradient, sources, count);
    gradient.dispose();
    return summed;
  });
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
