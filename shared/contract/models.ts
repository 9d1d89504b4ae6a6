/** @file Runs anywhere. Contract: models, imported ones and runs with weights, and the playground that asks them. */
import { z } from 'zod';
import type { ErrorData } from '../errors.ts';
import type { ImportedModel, ModelPreview } from '../models.ts';
import type { ModelConfig, RunState } from '../runs.ts';
import { label, modelReference, noInput, path, sentence } from './inputs.ts';
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
  /** Of the weights as 32-bit floats; a checkpoint holds the optimizer's state too. */
  readonly weightsBytes: number;
  /** Of the weights that answer. */
  readonly step: number;
  readonly createdAt: string;
}

/** Imported models, in alphabetical order. */
export interface ImportedModels {
  readonly models: readonly ImportedModel[];
  /** Folders that cannot be used, and why. */
  readonly damaged: readonly { readonly name: string; readonly error: ErrorData }[];
}

export interface ImportedModelDetails extends ImportedModel {
  readonly folder: string;
  /** Ids of runs that began from it, newest first. */
  readonly runs: readonly string[];
}

export interface Answer {
  /** A run's id, or an imported model's name. */
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

const modelName = z.string().min(1).max(500);
const labels = z.array(label).min(2).max(1000);
const size = z.number().int().min(1).max(512).nullable().default(null);
const pair = { run: modelReference, premise: sentence, hypothesis: sentence.nullable() };

export const modelRoutes = {
  /** Runs with a checkpoint, archived ones left out: best test accuracy first, then newest. */
  'models/list': answers<readonly ModelSummary[]>()(noInput),
  'models/imported': answers<ImportedModels>()(noInput),
  /** @throws NOT_FOUND, and what is wrong with its folder. */
  'models/show': answers<ImportedModelDetails>()(z.strictObject({ name: modelName })),
  /** What a folder or archive of the studio's machine holds, before anything is copied. @throws as the import. */
  'models/preview': answers<ModelPreview>()(z.strictObject({ path })),
  /** A job. `labels`: what each output of its head means, in the order of the file; null believes the file. */
  'models/import': answers<{ readonly job: string }>()(
    z.strictObject({
      path,
      name: modelName,
      labels: labels.nullable().default(null),
      sentences: z.union([z.literal(1), z.literal(2)]).default(2),
      heads: size,
      layers: size,
      licence: z.string().min(1).max(200).nullable().default(null),
    }),
  ),
  /** Says what the outputs of a head mean that does not name them. @throws USAGE, LOCKED while a run needs the model. */
  'models/label': answers<ImportedModel>()(z.strictObject({ name: modelName, labels })),
  /** Cannot be undone: the page asks for the name first. Refused (LOCKED) while a run that begins from it is not done. */
  'models/delete': answers<null>()(z.strictObject({ name: modelName })),
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
