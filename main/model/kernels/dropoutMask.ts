/** @file Runs anywhere. Dropout masks as tensors, for composites: 0 or 1 / (1 - p) at every element. */
import * as tf from '@tensorflow/tfjs-core';
import { type DropoutSource, fillDropoutMask } from '../dropout.ts';
import type { RowLayout } from '../packedBatch.ts';
import { longestPair } from '../packedBatch.ts';
import { hasKernel, KERNELS, runKernel } from './dispatch.ts';

/** Mask of packed rows [R, width]: element = row inside the pair · width + column. */
export function rowsMask(
  layout: RowLayout,
  width: number,
  source: DropoutSource,
  place: number,
): tf.Tensor2D {
  const pairs = layout.offsets.length - 1;
  const rows = layout.offsets[pairs]!;
  const drawn = drawnByEngine([rows, width], layout, source, place);
  if (drawn !== null) return drawn as tf.Tensor2D;
  const mask = new Float32Array(rows * width);
  for (let pair = 0; pair < pairs; pair++) {
    const begin = layout.offsets[pair]!;
    const count = (layout.offsets[pair + 1]! - begin) * width;
    const stretch = { pairIndex: layout.pairIndices[pair]!, element: 0, count, at: begin * width };
    fillDropoutMask(mask, stretch, source, place);
  }
  return tf.tensor2d(mask, [rows, width]);
}

/**
 * Mask of padded attention weights [P, N, queries, T]: element = (head · length + query) · length + key, with the
 * pair's own length. `queries` is T, or 1 where only the first row of a pair asks.
 */
export function attentionMask(
  layout: RowLayout,
  shape: { readonly heads: number; readonly firstQueryOnly: boolean },
  source: DropoutSource,
  place: number,
): tf.Tensor4D {
  const pairs = layout.offsets.length - 1;
  const longest = longestPair(layout);
  const queries = shape.firstQueryOnly ? 1 : longest;
  const drawn = drawnByEngine([pairs, shape.heads, queries, longest], layout, source, place);
  if (drawn !== null) return drawn as tf.Tensor4D;
  const mask = new Float32Array(pairs * shape.heads * queries * longest);
  for (let pair = 0; pair < pairs; pair++) {
    const pairIndex = layout.pairIndices[pair]!;
    const length = layout.offsets[pair + 1]! - layout.offsets[pair]!;
    for (let head = 0; head < shape.heads; head++) {
      for (let query = 0; query < Math.min(queries, length); query++) {
        const at = ((pair * shape.heads + head) * queries + query) * longest;
        fillDropoutMask(
          mask,
          { pairIndex, element: (head * length + query) * length, count: length, at },
          source,
          place,
        );
      }
    }
  }
  return tf.tensor4d(mask, [pairs, shape.heads, queries, longest]);
}

/**
 * An engine may draw masks itself: by place, of which the layout tells it, or by (seed, step, micro-batch, place), and then
 * they depend on the plan.
 */
function drawnByEngine(
  shape: number[],
  layout: RowLayout,
  source: DropoutSource,
  place: number,
): tf.Tensor | null {
  if (!hasKernel(KERNELS.dropoutMask)) return null;
  return runKernel(KERNELS.dropoutMask, {}, { shape, layout, source, place })[0]!;
}
