/** @file Runs anywhere. The nouns of exports: formats, what is compared before one is believed, and what is recorded. */
import type { Split } from './datasets.ts';

/** Formats that hold a model. */
export const MODEL_FORMATS = ['hf', 'onnx', 'tfjs', 'web', 'torch', 'run'] as const;
export type ModelFormat = (typeof MODEL_FORMATS)[number];
/** Everything that `entail export --to` takes. */
export const EXPORT_FORMATS = [...MODEL_FORMATS, 'metrics'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** How a person calls them. */
export const FORMAT_NAMES: Readonly<Record<ExportFormat, string>> = {
  hf: 'Hugging Face folder',
  onnx: 'ONNX',
  tfjs: 'TensorFlow.js',
  web: 'Web page',
  torch: 'PyTorch',
  run: 'Run file',
  metrics: 'Metrics',
};

/** Of the numbers in an ONNX file; the other formats are fp32. */
export const EXPORT_PRECISIONS = ['fp32', 'fp16', 'int8'] as const;
export type ExportPrecision = (typeof EXPORT_PRECISIONS)[number];

export const METRIC_FILE_FORMATS = ['csv', 'json', 'parquet', 'tensorboard'] as const;
export type MetricFileFormat = (typeof METRIC_FILE_FORMATS)[number];

/**
 * `unverified`: the comparison was not finished. `failed`: its answers are others than the studio's; kept aside.
 * `written`: holds no model, so that there is nothing to compare.
 */
export const EXPORT_STATES = ['verified', 'unverified', 'failed', 'written'] as const;
export type ExportState = (typeof EXPORT_STATES)[number];

/** What a format must keep to (of logits, unless it says otherwise); null asks nothing. */
export interface ParityBars {
  readonly maxDifference: number | null;
  readonly meanDifference: number | null;
  /** Share of rows with the same answer, 0 to 1. */
  readonly agreement: number;
  /** Accuracy that may be lost, 0 to 1. */
  readonly accuracyDrop: number;
}

export interface ParityNumbers {
  readonly pairs: number;
  /** Of these, pairs that the data set does not have and that were made for the purpose. */
  readonly madePairs: number;
  readonly shortestTokens: number;
  readonly longestTokens: number;
  /** Pairs whose hypothesis is empty; of single sentences, empty ones. */
  readonly emptyPairs: number;
  readonly nonAsciiPairs: number;
  /** Sizes of the batches in which every pair was asked. */
  readonly batchSizes: readonly number[];
  /** Of |logit - the studio's logit|, over all pairs, batches and classes. */
  readonly maxDifference: number;
  readonly meanDifference: number;
  /** Logits that are NaN or infinite. */
  readonly notFinite: number;
  /** How many differences lie in each power of ten; the first one begins at 0. */
  readonly histogram: readonly { readonly from: number; readonly to: number; readonly count: number }[];
}

export interface ParityRow {
  /** Place in the split, counted from 0. */
  readonly index: number;
  readonly studio: string;
  readonly exported: string;
  /** How far the studio's best logit is above its second. */
  readonly margin: number;
}

export interface ParityAgreement {
  readonly rows: number;
  /** Rows that the split has. */
  readonly rowsInSplit: number;
  readonly sameAnswer: number;
  /** Rows with another answer, where the studio's two best logits differ by no more than the bar: not counted against it. */
  readonly ties: readonly ParityRow[];
  /** The first rows with another answer that are no ties. */
  readonly differing: readonly ParityRow[];
  readonly differingRows: number;
  readonly studioAccuracy: number;
  readonly exportedAccuracy: number;
  /** Why it went no further. */
  readonly endedBy: 'all rows' | 'row limit' | 'time limit' | 'cancelled';
}

export interface FirstDivergence {
  /** "embeddings", "layer 0", …, "logits". */
  readonly place: string;
  readonly maxDifference: number;
  /** Largest |value| of the studio's there. */
  readonly scale: number;
}

/** parity.json */
export interface ParityReport {
  readonly format: 'entail-parity';
  readonly version: 1;
  readonly export: { readonly to: ModelFormat; readonly precision: ExportPrecision; readonly file: string };
  readonly state: Exclude<ExportState, 'written'>;
  readonly checkedAt: string;
  readonly entail: string;
  readonly weightsSha256: string;
  /** What computed the studio's answers: "native, cpu". */
  readonly studioRuntime: string;
  /** What computed the export's answers, or who read it back. */
  readonly exportRuntime: string;
  readonly data: { readonly dataset: string; readonly contentHash: string; readonly split: Split };
  readonly bars: ParityBars;
  readonly numbers: ParityNumbers | null;
  readonly agreement: ParityAgreement | null;
  /** Sentences whose ids the written tokenizer gives as the studio's does; null where the export has none to read. */
  readonly tokenizer: { readonly sentences: number; readonly same: number } | null;
  /** What it failed by, in sentences. */
  readonly failures: readonly string[];
  readonly firstDivergence: FirstDivergence | null;
}

/** An export as it is recorded in studio.db. */
export interface ExportRecord {
  readonly id: number;
  /** Null once the run is deleted. */
  readonly run: string | null;
  readonly to: ExportFormat;
  readonly precision: ExportPrecision | null;
  /** Absolute path. */
  readonly folder: string;
  readonly state: ExportState;
  readonly step: number | null;
  readonly sizeBytes: number;
  readonly createdAt: string;
  readonly parity: ParityReport | null;
  /** False: the folder has been moved or removed since. */
  readonly present: boolean;
}
