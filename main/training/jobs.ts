/** @file Runs anywhere. What a supervisor asks of its children, and what they answer beside a run's reports. */
import type { ColumnMapping, Dataset, ImportReport, Split } from '../../shared/datasets.ts';
import type { DeviceName } from '../../shared/devices.ts';
import type { EngineName, EngineRecord } from '../../shared/engines.ts';
import type { ErrorData } from '../../shared/errors.ts';
import type { GroupedAccuracy } from '../../shared/kindAccuracy.ts';
import type { EvaluationRecord, PredictionBlock, RunConfig } from '../../shared/runs.ts';
import type { HubDatasetProgress } from '../data/downloadHubDataset.ts';
import type { SnliProgress } from '../data/downloadSnli.ts';
import type { LoosePair, PairTokens } from '../data/pairTokenizer.ts';
import type { HubReference } from '../hub/hubReference.ts';

/** What a probe measures; seconds of whole batches and of single pairs. */
export interface ProbeFigures {
  readonly engine: EngineRecord;
  readonly secondsPerStep: number;
  readonly evaluationSecondsPerPair: number;
  readonly trainPairs: number;
  readonly selectionPairs: number;
  readonly testPairs: number;
  readonly stepsPerEpoch: number;
  readonly peakMemoryBytes: number;
}

/** Where a child finds things and on what it computes. */
export interface JobPlace {
  /** With the run's tokenizer and its checkpoints. */
  readonly runDirectory: string;
  readonly dataDirectory: string;
  readonly engine: EngineName;
  /** A worker each; `cpu` may stand several times. The first is that of the process which gets this. */
  readonly devices: readonly DeviceName[];
  /** Null means as many as there are processors. */
  readonly threads: number | null;
}

/** A worker's place among those that train a run together, one a device. */
export interface CrewPlace {
  /** From 0, the leader: it evaluates, saves and reports. */
  readonly rank: number;
  /** By rank. */
  readonly devices: readonly DeviceName[];
  /** Where they find each other; the supervisor makes and removes it. */
  readonly folder: string;
  /** Null: through memory where that can be shared, else through pipes. */
  readonly exchange: 'memory' | 'pipe' | null;
}

export interface TrainingJob extends JobPlace {
  readonly runId: string;
  readonly cachePath: string;
  readonly config: RunConfig;
  /** Folder name of the checkpoint to go on from; the newest undamaged one is taken. Null begins anew. */
  readonly resumeFrom: string | null;
  /** Engine of the attempt before this one. */
  readonly trainedOn: EngineRecord | null;
  /** Absent where one worker trains alone. */
  readonly crew?: CrewPlace;
}

export type TrainingOrder =
  | { readonly kind: 'start'; readonly job: TrainingJob }
  /** Trains a few steps, measures, writes nothing. */
  | { readonly kind: 'probe'; readonly job: TrainingJob }
  /** With `keep` the test split is evaluated with what is there, and the figures are kept. */
  | { readonly kind: 'stop'; readonly keep: boolean }
  /** Saves at the end of the step, and waits with the model loaded. */
  | { readonly kind: 'pause' }
  | { readonly kind: 'continue' }
  /** The answer to `handOver`. */
  | { readonly kind: 'handedOver' };

/**
 * What a training worker says beside its reports, before it writes a checkpoint: whoever resumes there never hears again of
 * what was reported so far. It waits for `handedOver`, so that no checkpoint outlives reports that died with the supervisor.
 */
export interface HandOver {
  readonly kind: 'handOver';
}

/** The last word of a worker that followed another one: the leader has told it that all is done. */
export interface Followed {
  readonly kind: 'followed';
}

/** What of a configuration weights need to answer. */
export interface AnswerConfig extends Pick<RunConfig, 'model' | 'hyperparameters'> {
  /** Of a run; an imported model's folder is sealed. */
  readonly vocabularyHash?: string;
  readonly dataset: Pick<RunConfig['dataset'], 'labels'>;
}

/** Of the folder that a job names: the checkpoint that a run stands for, or an imported model's. */
export type AnswerWeights =
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'imported'; readonly manifestSha256: string };

/** Finished weights, and what to do with them. */
export interface EvaluationJob extends JobPlace {
  readonly config: AnswerConfig;
  /** A run's checkpoint when it is left out. */
  readonly weights?: AnswerWeights;
  readonly cachePath: string;
  readonly dataset: string;
  readonly split: Split;
}

export interface PredictionJob extends JobPlace {
  readonly config: AnswerConfig;
  /** A run's checkpoint when it is left out. */
  readonly weights?: AnswerWeights;
}

/** A pair as somebody wrote it. */
export type RawPair = LoosePair;

/** A pair as the model reads it, and what it makes of it. */
export interface Inspection extends PairTokens {
  /** [classes] */
  readonly probabilities: Float32Array;
}

/** Which of a model's heads, both counted from 0. */
export interface HeadPlace {
  readonly layer: number;
  readonly head: number;
}

export interface HeadAttention {
  readonly tokens: readonly string[];
  /** Row-major [tokens, tokens]: how much each query attends to each key; rows sum to 1. */
  readonly weights: Float32Array;
}

export type InferenceOrder =
  | { readonly kind: 'evaluate'; readonly job: EvaluationJob }
  | { readonly kind: 'open'; readonly job: PredictionJob }
  | { readonly kind: 'predict'; readonly pairs: readonly RawPair[] }
  | { readonly kind: 'inspect'; readonly pair: RawPair }
  | { readonly kind: 'attend'; readonly pair: RawPair; readonly place: HeadPlace };

/** Before the answer to what was asked: a sentence on what it is computed on, see `OpenEngine`. */
interface EngineNotice {
  readonly kind: 'notice';
  readonly text: string;
}

export type InferenceAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly fraction: number }
  | EngineNotice
  | {
      readonly kind: 'evaluated';
      readonly evaluation: EvaluationRecord;
      /** By the kinds of examples that the data set tells apart. */
      readonly groups: readonly GroupedAccuracy[];
      /** In the model's own classes. */
      readonly predictions: PredictionBlock;
    }
  | { readonly kind: 'opened' }
  /** Row-major [pairs, classes]. */
  | { readonly kind: 'predicted'; readonly probabilities: Float32Array }
  | { readonly kind: 'inspected'; readonly inspection: Inspection }
  | { readonly kind: 'attended'; readonly attention: HeadAttention }
  | { readonly kind: 'failed'; readonly error: ErrorData };

/** What a probing child answers. */
export type ProbeAnswer =
  | { readonly kind: 'probing'; readonly fraction: number }
  | EngineNotice
  | { readonly kind: 'probed'; readonly figures: ProbeFigures };

export interface HubDatasetWish {
  readonly reference: HubReference;
  readonly name: string;
  readonly config?: string;
  readonly splits?: readonly string[];
}

/** What a data child is told. */
export type DataOrder =
  | {
      readonly kind: 'import';
      readonly cachePath: string;
      readonly source: {
        readonly path: string;
        readonly name: string;
        readonly mapping?: Partial<ColumnMapping>;
        readonly format?: ColumnMapping['format'];
        readonly splitSeed?: number;
      };
    }
  | {
      readonly kind: 'download';
      readonly cachePath: string;
      readonly dataDirectory: string;
      /** Of a hub; null is SNLI. */
      readonly hub: HubDatasetWish | null;
    }
  | { readonly kind: 'cancel' };

export type DataProgress = SnliProgress | HubDatasetProgress;

export type DataAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly progress: DataProgress }
  | { readonly kind: 'imported'; readonly dataset: Dataset }
  /** With what had been found when too many rows were bad. */
  | { readonly kind: 'failed'; readonly error: ErrorData; readonly report: ImportReport | null };
