/** @file Runs anywhere. BERTClassifier of the book: encoder, hidden layer on the first row, output layer. */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../../shared/runs.ts';
import { rowsToEmbed } from './distinctRows.ts';
import { headPlace } from './dropout.ts';
import { type EncoderInput, type EncoderOptions, encode, linearWeights, type Weights } from './encoder.ts';
import { rowsMask } from './kernels/dropoutMask.ts';
import { linear, logitsOf } from './kernels/linear.ts';
import { gatherRows, lookUp } from './kernels/rows.ts';
import { firstRowLayout, firstRowMaps, type PackedBatch } from './packedBatch.ts';
import { type Parameters, TOKEN_TABLE } from './parameters.ts';

/** The token table's rows by id, [E, H]. Gathered outside the tape: see `gradients.ts`. */
export function gatherTokenRows(parameters: Parameters, ids: Int32Array): tf.Tensor2D {
  return lookUp(parameters.get(TOKEN_TABLE) as tf.Tensor2D, ids);
}

/** -> logits [P, C] */
export function classify(
  config: ModelConfig,
  weights: Weights,
  input: EncoderInput,
  options: EncoderOptions,
): tf.Tensor2D {
  const encoded = encode(config, weights, input, options);
  let first = encoded;
  if (options.lastLayer === 'all') {
    const { firstRows, pairOfRow } = firstRowMaps(input.batch);
    first = gatherRows(encoded, firstRows, pairOfRow);
  }
  const hidden = linear(first, linearWeights('hidden.0', weights), config.headActivation);
  return logitsOf(dropHidden(hidden, config, input.batch, options), linearWeights('output', weights));
}

/** hidden [P, H], of which row 0 of each pair is the only one */
function dropHidden(
  hidden: tf.Tensor2D,
  config: ModelConfig,
  batch: PackedBatch,
  { dropout }: EncoderOptions,
): tf.Tensor2D {
  if (dropout === null || !config.headDropout) return hidden;
  return tf.mul(hidden, rowsMask(firstRowLayout(batch), config.hidden, dropout, headPlace(config.layers)));
}

/** Logits without dropout and without a tape: what evaluation and prediction use. The caller owns the tensor. */
export function predictLogits(config: ModelConfig, parameters: Parameters, batch: PackedBatch): tf.Tensor2D {
  return tf.tidy(() => {
    const rows = rowsToEmbed(config, batch, false);
    const tokenRows = gatherTokenRows(parameters, rows.ids);
    const weights = (name: string) => parameters.get(name);
    const options = { dropout: null, lastLayer: 'first', freesLayers: true } as const;
    return classify(config, weights, { tokenRows, rows, batch }, options);
  });
}
