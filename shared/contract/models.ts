/** @file Runs anywhere. Contract: models that can answer, the playground, and engines. */
import { z } from 'zod';
import type { DoctorReport, EngineName } from '../engines.ts';
import type { ModelConfig, RunState } from '../runs.ts';
import { engineName, noInput, runId, sentence } from './inputs.ts';
import { answers } from './route.ts';

/** A run with weights. */
export interface ModelSummary {
  readonly run: string;
  readonly name: string | null;
  readonly colour: number;
  readonly state: RunState;
  readonly dataset: string;
  readonly labels: readonly string[];
  readonly pairs: boolean;
  readonly model: ModelConfig;
  readonly parameters: number | null;
  readonly testAccuracy: number | null;
  readonly devAccuracy: number | null;
  readonly selectedOnTest: boolean;
  readonly weightsBytes: number;
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
  readonly milliseconds: number;
}

/** weights[query][key], rows sum to 1. */
export interface AttentionMap {
  readonly tokens: readonly string[];
  readonly weights: readonly (readonly number[])[];
}

const pair = { run: runId, premise: sentence, hypothesis: sentence.nullable() };

export const modelRoutes = {
  /** Best test accuracy first, then newest. */
  'models/list': answers<readonly ModelSummary[]>()(noInput),
  /** Loads the model on first use and keeps the last two; one thread while a run trains. */
  'playground/answer': answers<Answer>()(z.strictObject(pair)),
  'playground/attention': answers<AttentionMap>()(
    z.strictObject({
      ...pair,
      layer: z.number().int().min(0).max(100),
      head: z.number().int().min(0).max(100),
    }),
  ),
  'engines/doctor': answers<{ readonly reports: readonly DoctorReport[]; readonly chosen: EngineName }>()(
    noInput,
  ),
  /** A job: downloads and compiles, because a person asked for it. */
  'engines/install': answers<{ readonly job: string }>()(
    z.strictObject({ engine: z.literal('tensorflow'), cuda: z.boolean().default(false) }),
  ),
  'engines/uninstall': answers<{ readonly job: string }>()(
    z.strictObject({ engine: z.literal('tensorflow') }),
  ),
  /** A job that measures pairs per second on generated pairs. */
  'engines/test': answers<{ readonly job: string }>()(z.strictObject({ engine: engineName })),
};
