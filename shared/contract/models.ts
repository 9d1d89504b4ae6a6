/** @file Runs anywhere. Contract: models that can answer, and the playground. */
import { z } from 'zod';
import type { ModelConfig, RunKind, RunState } from '../runs.ts';
import { noInput, runId, sentence } from './inputs.ts';
import { answers } from './route.ts';

/** A run with weights. */
export interface ModelSummary {
  readonly run: string;
  readonly name: string | null;
  readonly colour: number;
  readonly state: RunState;
  /** A pretraining can be started from, and answers nothing. */
  readonly kind: RunKind;
  readonly dataset: string;
  readonly labels: readonly string[];
  readonly pairs: boolean;
  readonly model: ModelConfig;
  readonly parameters: number | null;
  readonly testAccuracy: number | null;
  readonly devAccuracy: number | null;
  readonly selectedOnTest: boolean;
  /** Of the weights as 32-bit floats; a checkpoint holds the optimizer's state too. */
  readonly weightsBytes: number;
  /** Of the weights that answer. */
  readonly step: number;
  readonly createdAt: string;
}

export interface Answer {
  readonly run: string;
  readonly labels: readonly string[];
  readonly probabilities: readonly number[];
  /** As the model sees them, special tokens included; "<unk>" where a word is not in its vocabulary. */
  readonly tokens: readonly string[];
  /** The person's word behind each token; "" for special ones. */
  readonly words: readonly string[];
  readonly segments: readonly number[];
  readonly layers: number;
  readonly heads: number;
  /** From the question to its answer; loading and waiting are not counted. */
  readonly milliseconds: number;
}

/** weights[query][key], rows sum to 1. */
export interface AttentionMap {
  readonly tokens: readonly string[];
  readonly weights: readonly (readonly number[])[];
}

const pair = { run: runId, premise: sentence, hypothesis: sentence.nullable() };

export const modelRoutes = {
  /** Runs with a checkpoint, archived ones left out: best test accuracy first, then newest. */
  'models/list': answers<readonly ModelSummary[]>()(noInput),
  /**
   * Loads the model on first use and keeps the last two; one thread while a run trains.
   * @throws NOT_FOUND without weights; USAGE for an empty sentence, or one too many or too few; CANCELLED when a newer
   * question to the same model came before this one was answered; WORKER_CRASHED when its process ended (ask again).
   */
  'playground/answer': answers<Answer>()(z.strictObject(pair)),
  /** As `playground/answer`; USAGE for a layer or head that the model does not have. Both are counted from 0. */
  'playground/attention': answers<AttentionMap>()(
    z.strictObject({
      ...pair,
      layer: z.number().int().min(0).max(100),
      head: z.number().int().min(0).max(100),
    }),
  ),
};
