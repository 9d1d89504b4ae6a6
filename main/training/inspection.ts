/** @file Runs in the inference worker. One pair looked at closely: its tokens, its probabilities, what a head attends to. */
import { StudioError } from '../../shared/errors.ts';
import { planMicroBatches } from '../data/batches.ts';
import { asRead, encodePairs } from '../data/encoding.ts';
import type { PairTokenizer, PairTokens } from '../data/pairTokenizer.ts';
import { attentionWeights } from '../model/attentionWeights.ts';
import { predictLogits } from '../model/classifier.ts';
import type { PackedBatch } from '../model/packedBatch.ts';
import type { Parameters } from '../model/parameters.ts';
import { probabilitiesOfRow } from './evaluation.ts';
import type { HeadAttention, HeadPlace, Inspection, PredictionJob, RawPair } from './jobs.ts';

/** Weights, tokenizer and settings of a finished run. */
export interface LoadedModel {
  readonly job: PredictionJob;
  readonly parameters: Parameters;
  readonly tokenizer: PairTokenizer;
}

export async function inspect(model: LoadedModel, pair: RawPair): Promise<Inspection> {
  const { job, parameters } = model;
  const logits = predictLogits(job.config.model, parameters, batchOf(model, pair));
  const row = (await logits.data()) as Float32Array;
  logits.dispose();
  const probabilities = Float32Array.from(probabilitiesOfRow(row));
  requireAnswers(probabilities, job.engine);
  return { ...tokensOf(model, pair), probabilities };
}

/** The first label would seem to be the answer where nothing is. @throws StudioError BAD_FILE. */
export function requireAnswers(probabilities: Float32Array, engine: string): void {
  if (!probabilities.some(Number.isNaN)) return;
  throw new StudioError('BAD_FILE', 'The model gives no answers: what it computes are no numbers.', {
    nextStep:
      'Its weights may hold NaN or infinite numbers ("models show" tells of an imported model): get them again' +
      `${engine === 'wasm' ? '.' : '; if they are sound, try --engine wasm.'}`,
  });
}

export async function attend(model: LoadedModel, pair: RawPair, place: HeadPlace): Promise<HeadAttention> {
  const { job, parameters } = model;
  const tensor = attentionWeights(job.config.model, parameters, batchOf(model, pair), place);
  const weights = (await tensor.data()) as Float32Array;
  tensor.dispose();
  return { tokens: tokensOf(model, pair).tokens, weights };
}

function tokensOf({ job, tokenizer }: LoadedModel, pair: RawPair): PairTokens {
  return tokenizer.show(asRead(pair, tokenizer), job.config.hyperparameters);
}

function batchOf({ job, tokenizer }: LoadedModel, pair: RawPair): PackedBatch {
  const { maxLen, truncation } = job.config.hyperparameters;
  const split = encodePairs([asRead(pair, tokenizer)], tokenizer, { maxLen, truncation });
  return planMicroBatches(split, Int32Array.of(0), { microBatchTokens: maxLen })[0]!;
}
