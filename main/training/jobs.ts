/** @file Runs anywhere. What a supervisor asks of its children, and what they answer beside a run's reports. */
import type { Split } from '../../shared/datasets.ts';
import type { EngineName } from '../../shared/engines.ts';
import type { ErrorData } from '../../shared/errors.ts';
import type { EvaluationRecord, PredictionBlock, RunConfig } from '../../shared/runs.ts';

/** Where a child finds things and on what it computes. */
export interface JobPlace {
  readonly runDirectory: string;
  readonly dataDirectory: string;
  readonly engine: EngineName;
  /** Null means as many as there are processors. */
  readonly threads: number | null;
}

export interface TrainingJob extends JobPlace {
  readonly runId: string;
  readonly cachePath: string;
  readonly datasetId: number;
  readonly config: RunConfig;
  /** The run's vocab.json. */
  readonly vocabularyPath: string;
  /** Folder name of the checkpoint to go on from; the newest undamaged one is taken. Null begins anew. */
  readonly resumeFrom: string | null;
}

export type TrainingOrder =
  | { readonly kind: 'start'; readonly job: TrainingJob }
  /** With `keep` the test split is evaluated with what is there, and the figures are kept. */
  | { readonly kind: 'stop'; readonly keep: boolean }
  /** Saves at the end of the step, and waits with the model loaded. */
  | { readonly kind: 'pause' }
  | { readonly kind: 'continue' };

/** The finished weights of a run, and what to do with them. */
export interface EvaluationJob extends JobPlace {
  readonly config: RunConfig;
  readonly vocabularyPath: string;
  readonly cachePath: string;
  readonly dataset: string;
  readonly split: Split;
}

export interface PredictionJob extends JobPlace {
  readonly config: RunConfig;
  readonly vocabularyPath: string;
}

/** Sentences as token strings, words separated by spaces. */
export interface PredictionPairs {
  readonly premise: string;
  readonly hypothesis: string | null;
}

export type InferenceOrder =
  | { readonly kind: 'evaluate'; readonly job: EvaluationJob }
  | { readonly kind: 'open'; readonly job: PredictionJob }
  | { readonly kind: 'predict'; readonly pairs: readonly PredictionPairs[] };

export type InferenceAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly fraction: number }
  | {
      readonly kind: 'evaluated';
      readonly evaluation: EvaluationRecord;
      readonly predictions: PredictionBlock;
    }
  | { readonly kind: 'opened' }
  /** Row-major [pairs, classes]. */
  | { readonly kind: 'predicted'; readonly probabilities: Float32Array }
  | { readonly kind: 'failed'; readonly error: ErrorData };
