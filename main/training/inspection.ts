/** @file Runs in the inference worker. One pair looked at closely: its tokens, its probabilities, what a head attends to. */
import { planMicroBatches } from '../data/batches.ts';
import { encodePairs } from '../data/encoding.ts';
import { pairTokens } from '../data/pairTokens.ts';
import type { Vocabulary } from '../data/vocabulary.ts';
import { attentionWeights } from '../model/attentionWeights.ts';
import { predictLogits } from '../model/classifier.ts';
import type { PackedBatch } from '../model/packedBatch.ts';
import type { Parameters } from '../model/parameters.ts';
import { probabilitiesOfRow } from './evaluation.ts';
import type { HeadAttention, HeadPlace, Inspection, PredictionJob, PredictionPairs } from './jobs.ts';

/** Weights, vocabulary and settings of a finished run. */
export interface LoadedModel {
  readonly job: PredictionJob;
  readonly parameters: Parameters;
  readonly vocabulary: Vocabulary;
}

export async function inspect(model: LoadedModel, pair: PredictionPairs): Promise<Inspection> {
  const { job, parameters, vocabulary } = model;
  const logits = predictLogits(job.config.model, parameters, batchOf(model, pair));
  const row = (await logits.data()) as Float32Array;
  logits.dispose();
  const tokens = pairTokens(pair, vocabulary, job.config.hyperparameters);
  return { ...tokens, probabilities: Float32Array.from(probabilitiesOfRow(row)) };
}

export async function attend(
  model: LoadedModel,
  pair: PredictionPairs,
  place: HeadPlace,
): Promise<HeadAttention> {
  const { job, parameters, vocabulary } = model;
  const tensor = attentionWeights(job.config.model, parameters, batchOf(model, pair), place);
  const weights = (await tensor.data()) as Float32Array;
  tensor.dispose();
  return { tokens: pairTokens(pair, vocabulary, job.config.hyperparameters).tokens, weights };
}

function batchOf({ job, vocabulary }: LoadedModel, pair: PredictionPairs): PackedBatch {
  const { maxLen, truncation } = job.config.hyperparameters;
  const split = encodePairs([pair], vocabulary, { maxLen, truncation });
  return planMicroBatches(split, Int32Array.of(0), { microBatchTokens: maxLen })[0]!;
}
