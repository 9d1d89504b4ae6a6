/** @file Runs anywhere. The nouns of runs: configuration, states, metrics, evaluations and what a worker reports. */
import type { Split } from './datasets.ts';
import type { EngineName, EngineRecord } from './engines.ts';
import type { ErrorData } from './errors.ts';
import type { Hyperparameters } from './hyperparameters.ts';

/** Shape of the network: everything that decides which parameters exist and what is computed. */
export interface ModelConfig {
  /** `book`: ReLU, no embedding LayerNorm, eps 1e-5. `huggingface`: GELU, embedding LayerNorm, eps 1e-12. */
  readonly variant: 'book' | 'huggingface';
  readonly vocabularySize: number;
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly feedForward: number;
  /** Rows of the position table, which may be more than a run's maxLen. */
  readonly maxPositions: number;
  readonly classes: number;
  readonly activation: 'relu' | 'gelu' | 'gelu_tanh';
  readonly layerNormEps: number;
  readonly embeddingNorm: boolean;
  /** Rows of the segment table; 0: there is none, and which sentence a token is of is not read (DistilBERT). */
  readonly segments: 0 | 2;
  /** Between the hidden layer and the outputs: tanh of the book and of BERT's pooler, ReLU of DistilBERT. */
  readonly headActivation: 'tanh' | 'relu';
  /** Whether dropout falls on the hidden layer too, as in transformers; the book has none there. */
  readonly headDropout: boolean;
  readonly dropout: number;
}

/** What a run does: tell classes of labelled pairs, or learn a language from plain text. */
export const RUN_KINDS = ['fine-tuning', 'pretraining'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

/** The book's words, or BERT's pieces of words. */
export type TokenizerKind = 'words' | 'wordpiece';

/** Written once when a run is made, never changed (peers.md, need 22). */
export interface RunConfig {
  /** Absent in fine-tuning, and so in runs that are older than pretraining: read it with `runKind`. */
  readonly kind?: 'pretraining';
  /** Of pretraining: the text, with the two answers to "does the second sentence follow?" as labels. */
  readonly dataset: {
    readonly id: number;
    readonly name: string;
    readonly contentHash: string;
    readonly labels: readonly string[];
    readonly sentencesPerExample?: 1 | 2;
  };
  readonly hyperparameters: Hyperparameters;
  readonly model: ModelConfig;
  /** How text becomes token ids; runs from before there was a choice do not say, and have words. */
  readonly tokenizer?: TokenizerKind;
  /** SHA-256 (hex) of the vocabulary and, for WordPiece, its rules. */
  readonly vocabularyHash: string;
  /** The engine asked for; null means "the best that works". */
  readonly engine: EngineName | null;
  /** Weights to start from, or null for random ones. */
  readonly startFrom: string | null;
  /** The imported model whose weights those are; left out where they are another run's, or random. */
  readonly base?: { readonly name: string; readonly manifestSha256: string };
  /** True when the output layer begins at random although those weights have one, because its labels are others. */
  readonly freshHead?: true;
}

export function runKind({ kind }: Pick<RunConfig, 'kind'>): RunKind {
  return kind ?? 'fine-tuning';
}

export interface Environment {
  readonly entail: string;
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly gitCommit: string | null;
}

export const RUN_STATES = [
  'queued', // made, waiting for its turn
  'preparing',
  'running',
  'pausing',
  'paused', // saved and waiting, with the model loaded
  'stopping',
  'completed',
  'stopped',
  'failed',
  'interrupted',
] as const;
export type RunState = (typeof RUN_STATES)[number];

/** Metric names are a closed list, so that a typo cannot open a new curve. */
export const METRICS = [
  // one value a step
  'step/loss',
  'step/accuracy',
  'step/learningRate',
  'step/gradientNorm',
  // of pretraining: loss and accuracy over the masked words, loss of telling the next sentence
  'step/maskedLoss',
  'step/maskedAccuracy',
  'step/nextLoss',
  // the book's running means over the epoch so far, five times an epoch
  'running/loss',
  'running/accuracy',
  // once an evaluation
  'dev/loss',
  'dev/accuracy',
  'dev/macroF1',
  'dev/maskedLoss',
  'dev/maskedAccuracy',
  'dev/nextLoss',
  'test/loss',
  'test/accuracy',
  'test/macroF1',
  'test/maskedLoss',
  'test/maskedAccuracy',
  'test/nextLoss',
  // once an epoch
  'epoch/trainLoss',
  'epoch/trainAccuracy',
  'epoch/maskedLoss',
  'epoch/maskedAccuracy',
  'epoch/nextLoss',
  'epoch/pairsPerSecond',
  'epoch/seconds',
  'epoch/truncatedPairs',
  // every five seconds
  'system/memoryBytes',
  'system/cpuPercent',
  'system/gpuPercent',
  'system/gpuMemoryBytes',
  'system/gpuCelsius',
  'system/gpuWatts',
] as const;
export type MetricName = (typeof METRICS)[number];

export interface MetricPoint {
  readonly metric: MetricName;
  /** Optimizer steps done, counted from 1. */
  readonly step: number;
  /** Epochs done at this point, such as 1.25. */
  readonly epoch: number;
  /** Milliseconds since 1970 by the worker's clock. */
  readonly atMs: number;
  readonly value: number;
}

/** One evaluated split, with everything later analysis needs. */
export interface EvaluationRecord {
  readonly split: Split;
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly macroF1: number;
  /** counts[gold][predicted] */
  readonly confusion: readonly (readonly number[])[];
  readonly perClass: readonly {
    readonly label: string;
    readonly precision: number;
    readonly recall: number;
    readonly f1: number;
    readonly support: number;
  }[];
  readonly pairs: number;
  readonly pairsPerSecond: number;
}

/** Probabilities of every example of a split, row-major [pairs, classes]; kept for the final weights. */
export interface PredictionBlock {
  readonly split: Split;
  readonly step: number;
  readonly classes: number;
  readonly probabilities: Float32Array;
}

/** What was removed, or moved, under the studio: a run's whole folder (or its vocabulary), or every checkpoint in it. */
export type LostPart = 'folder' | 'checkpoints';

export interface CheckpointRecord {
  readonly step: number;
  readonly epoch: number;
  /** Folder name inside the run's folder. */
  readonly folder: string;
  readonly sizeBytes: number;
  /** `best` means best on dev so far (or on test, when there is no dev). */
  readonly kind: 'last' | 'best';
  readonly manifestSha256: string;
}

export interface RunResult {
  readonly trainLoss: number;
  readonly trainAccuracy: number;
  readonly testAccuracy: number | null;
  readonly devAccuracy: number | null;
  /** Training pairs a second over all epochs; evaluation is not counted, as in the book. */
  readonly pairsPerSecond: number;
  readonly epochs: number;
  readonly steps: number;
  /** True when the kept weights were chosen by test labels: said wherever the figures appear. */
  readonly selectedOnTest: boolean;
  /** Of pretraining: means over the last epoch, a masked word and a pair. Accuracies are of telling the next sentence. */
  readonly pretraining?: {
    readonly maskedLoss: number;
    readonly maskedAccuracy: number;
    readonly nextLoss: number;
  };
}

/** The last progress report of a run. */
export type RunProgress = Omit<Extract<WorkerReport, { kind: 'progress' }>, 'kind'>;

/** What the worker found when it started. */
export interface RunPlan {
  readonly stepsPerEpoch: number;
  readonly totalSteps: number;
  readonly parameters: number;
  /** Of pretraining: pairs that are left out because they are longer than maxLen. */
  readonly truncatedPairs: number;
}

/** Everything about a run but its measurements. Times are ISO text. */
export interface RunRecord {
  readonly id: string;
  readonly experiment: string | null;
  readonly name: string | null;
  readonly notes: string;
  /** In alphabetical order. */
  readonly tags: readonly string[];
  readonly archived: boolean;
  readonly state: RunState;
  readonly config: RunConfig;
  /** SHA-256 of the configuration: equal for runs that should give equal results. */
  readonly configHash: string;
  readonly environment: Environment;
  readonly engine: EngineRecord | null;
  readonly plan: RunPlan | null;
  readonly progress: RunProgress | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly result: RunResult | null;
  /** Why it has failed or was interrupted; of a paused one, what keeps it waiting, such as a full disk. */
  readonly error: ErrorData | null;
}

export interface LogLine {
  /** ISO time at which it was stored. */
  readonly at: string;
  readonly level: 'info' | 'warning';
  readonly text: string;
}

/** Frames from the training worker to its supervisor. */
export type WorkerReport =
  | { readonly kind: 'ready'; readonly pid: number }
  | {
      readonly kind: 'started';
      readonly engine: EngineRecord;
      readonly stepsPerEpoch: number;
      readonly totalSteps: number;
      readonly resumedAtStep: number;
      readonly truncatedPairs: number;
      readonly parameters: number;
    }
  | { readonly kind: 'metrics'; readonly points: readonly MetricPoint[] }
  | {
      readonly kind: 'progress';
      readonly step: number;
      readonly totalSteps: number;
      readonly epoch: number;
      readonly phase: 'encoding' | 'training' | 'evaluating' | 'saving';
      readonly etaSeconds: number | null;
      readonly pairsPerSecond: number | null;
    }
  | {
      readonly kind: 'evaluation';
      readonly evaluation: EvaluationRecord;
      readonly predictions: PredictionBlock | null;
    }
  | { readonly kind: 'checkpoint'; readonly checkpoint: CheckpointRecord }
  | { readonly kind: 'checkpointRemoved'; readonly folder: string }
  | { readonly kind: 'log'; readonly level: 'info' | 'warning'; readonly text: string }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'pausing' }
  /** Waiting until it is told to go on (null), or by itself until there is room on the disk again: then with what is full. */
  | { readonly kind: 'paused'; readonly step: number; readonly waitsFor: ErrorData | null }
  | { readonly kind: 'continued' }
  /** `result` is there when the run was stopped to be kept: its figures up to here, test split included. */
  | { readonly kind: 'stopped'; readonly step: number; readonly result?: RunResult }
  | { readonly kind: 'finished'; readonly result: RunResult }
  | { readonly kind: 'failed'; readonly error: ErrorData };
