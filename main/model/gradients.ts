/** @file Runs anywhere. Loss and gradients of one micro-batch. */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../../shared/runs.ts';
import { classify, gatherTokenRows } from './classifier.ts';
import { type EmbeddedRows, rowsToEmbed } from './distinctRows.ts';
import type { DropoutSource } from './dropout.ts';
import { withGradientMagnitude } from './gradientMagnitude.ts';
import { type CrossEntropyOptions, crossEntropy } from './kernels/crossEntropy.ts';
import type { PackedBatch } from './packedBatch.ts';
import { type Parameters, TOKEN_TABLE } from './parameters.ts';

export interface LossOptions extends CrossEntropyOptions {
  readonly dropout: DropoutSource | null;
  readonly lastLayer: 'first' | 'all';
  /** The gradient is that of `scale` times the summed loss. */
  readonly scale: number;
  /** Which rows the embeddings are computed for; `rowsToEmbed` decides when it is not given. */
  readonly rows?: EmbeddedRows;
  /** Only the hidden and output layers get gradients. */
  readonly freezeEncoder: boolean;
}

/** Everything in here belongs to the caller, who disposes it. */
export interface MicroBatchGradients {
  /** Summed loss, a scalar. */
  readonly loss: tf.Scalar;
  /** [P, C] */
  readonly logits: tf.Tensor2D;
  /** By parameter name; without the token table, and without parameters that the loss does not depend on. */
  readonly dense: ReadonlyMap<string, tf.Tensor>;
  /** [E, H] gradient of each gathered row of the token table, and their ids [E]; null when the encoder is frozen. */
  readonly tokenRows: { readonly ids: Int32Array; readonly gradient: tf.Tensor2D } | null;
}

/** Which parameters are trained, beside the token table. */
export function trainedNames(parameters: Parameters, freezeEncoder: boolean): string[] {
  const names = parameters.shapes.map((shape) => shape.name).filter((name) => name !== TOKEN_TABLE);
  return names.filter((name) => trainsParameter(name, freezeEncoder));
}

/** What the loss of a pair here is multiplied by at most: every class takes part in the smoothed losses of all. */
function heaviest(labels: Int32Array, { classWeights, labelSmoothing }: CrossEntropyOptions): number {
  if (classWeights === null) return 1;
  const most = Math.max(...classWeights);
  const here = labels.reduce((largest, label) => Math.max(largest, classWeights[label] ?? most), 0);
  return Math.max(here, (labelSmoothing / classWeights.length) * most);
}

/** The token table is a part of the encoder. */
export function trainsParameter(name: string, freezeEncoder: boolean): boolean {
  return !(freezeEncoder && name.startsWith('encoder.'));
}

/**
 * One forward and backward pass. The token rows are gathered before the tape begins and are one of its inputs, so
 * their gradient comes out as [E, H]; a gradient of the table itself would have the table's shape.
 */
export function microBatchGradients(
  config: ModelConfig,
  parameters: Parameters,
  batch: PackedBatch,
  options: LossOptions,
): MicroBatchGradients {
  const names = trainedNames(parameters, options.freezeEncoder);
  const rows = options.rows ?? rowsToEmbed(config, batch, options.dropout !== null);
  const tokenRows = tf.tidy(() => gatherTokenRows(parameters, rows.ids));
  let logits: tf.Tensor2D | undefined;
  const forward = () => {
    const weights = (name: string) => parameters.get(name);
    logits = tf.keep(classify(config, weights, { tokenRows, rows, batch }, options));
    return tf.sum(crossEntropy(logits, batch.labels, options)) as tf.Scalar;
  };
  const inputs: tf.Tensor[] = names.map((name) => parameters.get(name));
  if (!options.freezeEncoder) inputs.push(tokenRows);
  const seed = tf.scalar(options.scale);
  // Some inputs have no path to the loss (the last layer's key bias): their gradient is null, which is not an error.
  const { value, grads } = withGradientMagnitude(options.scale * heaviest(batch.labels, options), () =>
    tf.engine().gradients(forward, inputs, seed, true),
  );
  tf.dispose([seed, tokenRows]);
  const dense = new Map<string, tf.Tensor>();
  names.forEach((name, position) => {
    const gradient = grads[position] as tf.Tensor | null | undefined;
    if (gradient !== null && gradient !== undefined) dense.set(name, gradient);
  });
  const ofTokens = options.freezeEncoder
    ? null
    : { ids: rows.ids, gradient: grads[names.length] as tf.Tensor2D };
  return { loss: value as tf.Scalar, logits: logits!, dense, tokenRows: ofTokens };
}
