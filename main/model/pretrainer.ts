/**
 * @file Runs anywhere. BERTModel of the book (book.md 3): the whole encoder; a masked-language head on the masked rows
 * alone (book.md 7: padded predictions must not count, so here there are none), a next-sentence head on the first row.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelConfig } from '../../shared/runs.ts';
import { gatherTokenRows } from './classifier.ts';
import { type EmbeddedRows, rowsToEmbed } from './distinctRows.ts';
import type { DropoutSource } from './dropout.ts';
import { encode, linearWeights, normWeights, type Weights } from './encoder.ts';
import { normDropout } from './kernels/addDropoutNorm.ts';
import { countCorrect, crossEntropy } from './kernels/crossEntropy.ts';
import { linear, logitsOf } from './kernels/linear.ts';
import { gatherRows } from './kernels/rows.ts';
import { vocabularyLoss } from './kernels/vocabularyLoss.ts';
import { type MaskedBatch, placesOfMasked } from './maskedBatch.ts';
import { firstRowMaps } from './packedBatch.ts';
import type { Parameters } from './parameters.ts';

export interface PretrainingInput {
  /** [E, H] the token table's rows of `rows.ids`, gathered by the caller */
  readonly tokenRows: tf.Tensor2D;
  readonly rows: EmbeddedRows;
  readonly batch: MaskedBatch;
}

export interface PretrainingOptions {
  /** null outside training */
  readonly dropout: DropoutSource | null;
  readonly trains: boolean;
}

/** Both losses are sums, over masked rows and over pairs. */
export interface PretrainingLosses {
  readonly maskedLoss: tf.Scalar;
  /** Masked rows whose word is the likeliest. Kept: the caller disposes it. */
  readonly maskedCorrect: tf.Scalar;
  readonly nextLoss: tf.Scalar;
  /** [P, 2]: any sentence, the next one */
  readonly nextLogits: tf.Tensor2D;
}

const PLAIN_LOSS = { classWeights: null, labelSmoothing: 0 } as const;

export function pretrainingLosses(
  config: ModelConfig,
  weights: Weights,
  { tokenRows, rows, batch }: PretrainingInput,
  { dropout, trains }: PretrainingOptions,
): PretrainingLosses {
  const options = { dropout, lastLayer: 'all', freesLayers: !trains } as const;
  const encoded = encode(config, weights, { tokenRows, rows, batch }, options);
  const { firstRows, pairOfRow } = firstRowMaps(batch);
  const first = gatherRows(encoded, firstRows, pairOfRow);
  const hidden = linear(first, linearWeights('hidden.0', weights), config.headActivation);
  const nextLogits = logitsOf(hidden, linearWeights('nsp.output', weights));
  const nextLoss = tf.sum(crossEntropy(nextLogits, batch.labels, PLAIN_LOSS)) as tf.Scalar;
  const masked = gatherRows(encoded, batch.maskedRows, placesOfMasked(batch));
  const inner = linear(masked, linearWeights('mlm.mlp.0', weights), 'relu');
  const layout = rowsAlone(batch.maskedRows.length);
  const norm = normWeights('mlm.mlp.2', weights, config);
  const normalised = normDropout(inner, norm, { layout, dropout: null, place: 0 });
  const words = linearWeights('mlm.mlp.3', weights);
  const { loss, correct } = vocabularyLoss(normalised, words, batch.maskedIds, { trains });
  return { maskedLoss: loss, maskedCorrect: correct, nextLoss, nextLogits };
}

/** Without dropout rows belong to nothing; a kernel that asks is told that each stands alone. */
function rowsAlone(rows: number) {
  const pairIndices = Int32Array.from({ length: rows }, (_, row) => row);
  return { offsets: Int32Array.from({ length: rows + 1 }, (_, row) => row), pairIndices };
}

/** Sums of an evaluated micro-batch: [masked loss, masked correct, next loss, next correct], and the logits [P, 2]. */
export interface PretrainingFigures {
  readonly sums: tf.Tensor1D;
  readonly nextLogits: tf.Tensor2D;
}

/** Without dropout and without a tape. The caller owns both tensors. */
export function pretrainingFigures(
  config: ModelConfig,
  parameters: Parameters,
  batch: MaskedBatch,
): PretrainingFigures {
  return tf.tidy(() => {
    const rows = rowsToEmbed(config, batch, false);
    const tokenRows = gatherTokenRows(parameters, rows.ids);
    const weights = (name: string) => parameters.get(name);
    const input = { tokenRows, rows, batch };
    const losses = pretrainingLosses(config, weights, input, { dropout: null, trains: false });
    const sums = sumsOf(losses, batch.labels);
    losses.maskedCorrect.dispose();
    return { sums, nextLogits: losses.nextLogits };
  });
}

/** [masked loss, masked correct, next loss, next correct] */
export function sumsOf(losses: PretrainingLosses, labels: Int32Array): tf.Tensor1D {
  const { maskedLoss, maskedCorrect, nextLoss, nextLogits } = losses;
  const nextCorrect = countCorrect(nextLogits, labels);
  return tf.stack([maskedLoss, maskedCorrect, nextLoss, nextCorrect]) as tf.Tensor1D;
}
