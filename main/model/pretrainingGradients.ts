/** @file Runs anywhere. Losses and gradients of one micro-batch of pretraining. */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../../shared/runs.ts';
import { gatherTokenRows } from './classifier.ts';
import { type EmbeddedRows, rowsToEmbed } from './distinctRows.ts';
import type { DropoutSource } from './dropout.ts';
import { withGradientMagnitude } from './gradientMagnitude.ts';
import { trainedNames } from './gradients.ts';
import type { MaskedBatch } from './maskedBatch.ts';
import type { Parameters } from './parameters.ts';
import { pretrainingLosses, sumsOf } from './pretrainer.ts';

export interface PretrainingLossOptions {
  readonly dropout: DropoutSource | null;
  /** What the sums are divided by: masked rows and pairs of the whole optimizer batch. */
  readonly maskedTotal: number;
  readonly pairsTotal: number;
  /** Which rows the embeddings are computed for; `rowsToEmbed` decides when it is not given. */
  readonly rows?: EmbeddedRows;
}

/** Everything in here belongs to the caller, who disposes it. */
export interface PretrainingGradients {
  /** [masked loss, masked correct, next loss, next correct], sums */
  readonly sums: tf.Tensor1D;
  /** Of masked loss / maskedTotal + next loss / pairsTotal, by parameter name; without the token table. */
  readonly dense: ReadonlyMap<string, tf.Tensor>;
  /** [E, H] gradient of each gathered row of the token table, and their ids [E] */
  readonly tokenRows: { readonly ids: Int32Array; readonly gradient: tf.Tensor2D };
}

/** One forward and backward pass, the token rows gathered before the tape as in `microBatchGradients`. */
export function pretrainingGradients(
  config: ModelConfig,
  parameters: Parameters,
  batch: MaskedBatch,
  options: PretrainingLossOptions,
): PretrainingGradients {
  const { dropout, maskedTotal, pairsTotal } = options;
  const names = trainedNames(parameters, false);
  const rows = options.rows ?? rowsToEmbed(config, batch, dropout !== null);
  const tokenRows = tf.tidy(() => gatherTokenRows(parameters, rows.ids));
  let sums: tf.Tensor1D | undefined;
  const forward = () => {
    const weights = (name: string) => parameters.get(name);
    const input = { tokenRows, rows, batch };
    const losses = pretrainingLosses(config, weights, input, { dropout, trains: true });
    sums = tf.keep(sumsOf(losses, batch.labels));
    losses.maskedCorrect.dispose();
    return tf.add(tf.div(losses.maskedLoss, maskedTotal), tf.div(losses.nextLoss, pairsTotal)) as tf.Scalar;
  };
  const inputs = [...names.map((name) => parameters.get(name)), tokenRows];
  const { value, grads } = withGradientMagnitude(1 / Math.min(maskedTotal, pairsTotal), () =>
    tf.engine().gradients(forward, inputs, undefined, true),
  );
  tf.dispose([value, tokenRows]);
  const dense = new Map<string, tf.Tensor>();
  names.forEach((name, position) => {
    const gradient = grads[position] as tf.Tensor | null | undefined;
    if (gradient !== null && gradient !== undefined) dense.set(name, gradient);
  });
  return { sums: sums!, dense, tokenRows: { ids: rows.ids, gradient: grads[names.length] as tf.Tensor2D } };
}
