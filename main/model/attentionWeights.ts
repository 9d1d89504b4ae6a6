/** @file Runs anywhere. What one head of a model attends to, for people to look at. */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../../shared/runs.ts';
import { gatherTokenRows } from './classifier.ts';
import { everyRow } from './distinctRows.ts';
import { encode } from './encoder.ts';
import type { PackedBatch } from './packedBatch.ts';
import type { Parameters } from './parameters.ts';

/**
 * The attention weights of a head over a batch of one pair, [queries, keys] of all its tokens; rows sum to 1. The caller
 * owns the tensor. Layers above are not computed.
 */
export function attentionWeights(
  config: ModelConfig,
  parameters: Parameters,
  batch: PackedBatch,
  { layer, head }: { readonly layer: number; readonly head: number },
): tf.Tensor2D {
  return tf.tidy(() => {
    const found: tf.Tensor2D[] = [];
    const rows = everyRow(batch);
    const tokenRows = gatherTokenRows(parameters, rows.ids);
    encode(
      { ...config, layers: layer + 1 },
      (name) => parameters.get(name),
      { tokenRows, rows, batch },
      {
        dropout: null,
        lastLayer: 'all',
        onAttention: (at, weights) => {
          if (at !== layer) return;
          const chosen = tf.slice(weights, [0, head, 0, 0], [1, 1, batch.rows, batch.rows]);
          found.push(tf.reshape(chosen, [batch.rows, batch.rows]));
        },
      },
    );
    return found[0]!;
  });
}
