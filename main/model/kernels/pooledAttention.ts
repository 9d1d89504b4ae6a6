/**
 * @file Runs anywhere. Attention of one query a pair straight on the layer's input: the last layer's keys and values
 * are not projected token by token, because q·(W_k x) = (W_kᵀ q)·x and Σ a_t (W_v x_t) = W_v Σ a_t x_t
 * (architecture.md, idea 2).
 */
import * as tf from '@tensorflow/tfjs-core';
import { longestPair, paddingMaps } from '../packedBatch.ts';
import type { AttentionOptions } from './attention.ts';
import { hasKernel, KERNELS, runKernel, withGradient } from './dispatch.ts';
import { attentionMask } from './dropoutMask.ts';
import { gatherRows } from './rows.ts';

export interface PooledAttentionOptions extends AttentionOptions {
  /** 1 / √D: D is not known from the shapes here */
  readonly scale: number;
}

/**
 * x [R, H], query [P, N, H] (W_kᵀ q of each head) -> [P, N, H + 1]: Σ ã_t x_t, and in the last column Σ ã_t, which
 * dropout moves away from 1 and the values' bias needs.
 */
export function pooledAttention(
  x: tf.Tensor2D,
  query: tf.Tensor3D,
  options: PooledAttentionOptions,
): tf.Tensor3D {
  if (hasKernel(KERNELS.pooledAttention) && options.onWeights === undefined) return fused(x, query, options);
  return composite(x, query, options);
}

/** Registered pair: (x, query) -> pooled and whatever the engine saves, and (dy, x, query, saved) -> dx, dQuery. */
function fused(x: tf.Tensor2D, query: tf.Tensor3D, options: PooledAttentionOptions): tf.Tensor3D {
  const { heads, layout, dropout, place, scale } = options;
  const attributes = { heads, layout, dropout, place, scale };
  return withGradient([x, query], (xIn, queryIn) => {
    const inputs = { x: xIn!, query: queryIn! };
    const [pooled, ...more] = runKernel(KERNELS.pooledAttention, inputs, attributes);
    return {
      value: pooled!,
      saved: [xIn!, queryIn!, ...more],
      gradient: (dy, [xKept, queryKept, saved]) => {
        const backward = { dy, x: xKept!, query: queryKept!, ...(saved === undefined ? {} : { saved }) };
        return runKernel(KERNELS.pooledAttentionGradient, backward, attributes);
      },
    };
  }) as tf.Tensor3D;
}

function composite(x: tf.Tensor2D, query: tf.Tensor3D, options: PooledAttentionOptions): tf.Tensor3D {
  const { heads, layout, dropout, place, scale } = options;
  const pairs = layout.offsets.length - 1;
  const longest = longestPair(layout);
  const maps = paddingMaps(layout);
  const padded = tf.reshape(gatherRows(x, maps.anyOfPadded, maps.paddedOfPacked), [
    pairs,
    longest,
    x.shape[1],
  ]);
  const scores = tf.mul(tf.matMul(query, padded, false, true), scale);
  const weights = tf.softmax(
    tf.add(scores, tf.tensor3d(maps.keyPenalty, [pairs, 1, longest])),
  ) as tf.Tensor3D;
  options.onWeights?.(tf.reshape(weights, [pairs, heads, 1, longest]));
  let kept = weights;
  if (dropout !== null) {
    const mask = attentionMask(layout, { heads, firstQueryOnly: true }, dropout, place);
    kept = tf.mul(weights, tf.reshape(mask, [pairs, heads, longest]));
  }
  return tf.concat([tf.matMul(kept, padded), tf.sum(kept, 2, true)], 2) as tf.Tensor3D;
}
