/** @file Runs anywhere. BERTClassifier of the book: encoder, hidden tanh layer on the first row, output layer. */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../../shared/runs.ts';
import { type EncoderOptions, encode, linearWeights, type Weights } from './encoder.ts';
import { linear } from './kernels/linear.ts';
import { gatherRows } from './kernels/rows.ts';
import { firstRowMaps, type PackedBatch } from './packedBatch.ts';
import { type Parameters, TOKEN_TABLE } from './parameters.ts';

/** The token table's rows of a batch, [R, H]. Gathered outside the tape: see `gradients.ts`. */
export function gatherTokenRows(parameters: Parameters, batch: PackedBatch): tf.Tensor2D {
  return tf.gather(parameters.get(TOKEN_TABLE) as tf.Tensor2D, tf.tensor1d(batch.ids, 'int32'));
}

/** -> logits [P, C] */
export function classify(
  config: ModelConfig,
  weights: Weights,
  input: { readonly tokenRows: tf.Tensor2D; readonly batch: PackedBatch },
  options: EncoderOptions,
): tf.Tensor2D {
  const encoded = encode(config, weights, input, options);
  let first = encoded;
  if (options.lastLayer === 'all') {
    const { firstRows, pairOfRow } = firstRowMaps(input.batch);
    first = gatherRows(encoded, firstRows, pairOfRow);
  }
  const hidden = linear(first, linearWeights('hidden.0', weights), 'tanh');
  return linear(hidden, linearWeights('output', weights));
}

/** Logits without dropout and without a tape: what evaluation and prediction use. The caller owns the tensor. */
export function predictLogits(config: ModelConfig, parameters: Parameters, batch: PackedBatch): tf.Tensor2D {
  return tf.tidy(() => {
    const tokenRows = gatherTokenRows(parameters, batch);
    const weights = (name: string) => parameters.get(name);
    return classify(
      config,
      weights,
      { tokenRows, batch },
      { dropout: null, lastLayer: 'first', freesLayers: true },
    );
  });
}
