/** @file Runs anywhere. What the child that exports is told, and what it answers. */
import type { Split } from '../../shared/datasets.ts';
import type { EngineName } from '../../shared/engines.ts';
import type { ErrorData } from '../../shared/errors.ts';
import type {
  ExportPrecision,
  ExportState,
  MetricFileFormat,
  ModelFormat,
  ParityReport,
} from '../../shared/exports.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import type { Truncation } from '../data/truncation.ts';
import type { CardFacts } from '../export/card/facts.ts';
import type { MetricCurve } from '../export/metrics/curves.ts';
import type { RunFileParts } from '../export/runFile/runFile.ts';

/** A model that is to leave. */
export interface ModelPlace {
  readonly name: string;
  readonly config: ModelConfig;
  readonly labels: readonly string[];
  readonly sentencesPerExample: 1 | 2;
  readonly maxLen: number;
  /** A folder that holds its tokenizer. */
  readonly tokenizerFolder: string;
  readonly truncation: Truncation;
  /** A safetensors file with our names. */
  readonly weightsPath: string;
  /** What it must be, hexadecimal. */
  readonly weightsSha256: string;
}

/** The examples that answers are compared on. */
export interface GateData {
  readonly cachePath: string;
  readonly datasetId: number;
  readonly dataset: string;
  readonly contentHash: string;
  readonly split: Split;
  readonly rows: number;
}

export interface ModelTarget {
  readonly to: ModelFormat;
  readonly precision: ExportPrecision;
  /** Absolute. */
  readonly destination: string;
}

/** What a page has beside the model. */
export interface PageParts {
  /** The folder of the built page's program. */
  readonly programFolder: string;
  /** To begin with. */
  readonly examples: readonly { readonly premise: string; readonly hypothesis: string | null }[];
}

export interface ModelExportJob {
  readonly dataDirectory: string;
  /** Computes the studio's own answers. */
  readonly engine: EngineName;
  readonly threads: number | null;
  /** Entail's version. */
  readonly entail: string;
  readonly model: ModelPlace;
  /** Null where the data set is gone: exports then stay unverified. */
  readonly data: GateData | null;
  readonly facts: CardFacts;
  readonly targets: readonly ModelTarget[];
  /** For a target "run". */
  readonly runFile: RunFileParts | null;
  /** For a target "web". */
  readonly page: PageParts;
}

export interface MetricsExportJob {
  readonly name: string;
  readonly runId: string;
  readonly fileFormat: MetricFileFormat;
  readonly destination: string;
  readonly curves: readonly MetricCurve[];
}

export type ExportOrder =
  | { readonly kind: 'exportModel'; readonly job: ModelExportJob }
  | { readonly kind: 'exportMetrics'; readonly job: MetricsExportJob }
  /** Unpacks a run file into an empty folder and checks it. */
  | { readonly kind: 'readRunFile'; readonly path: string; readonly folder: string }
  /** While it writes: nothing is left. While it compares: what was written stays, unverified. */
  | { readonly kind: 'cancel' };

export interface FinishedExport {
  readonly to: ModelFormat | 'metrics';
  readonly precision: ExportPrecision | null;
  /** Where it is: its destination, or that with ".failed" added. */
  readonly folder: string;
  readonly state: ExportState;
  readonly sizeBytes: number;
  readonly parity: ParityReport | null;
}

export interface ExportProgress {
  /** 0 to 1 */
  readonly fraction: number;
  /** "onnx: comparing answers, 3,200 of 9,824 rows" */
  readonly note: string;
}

export type ExportAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly progress: ExportProgress }
  /** One target is in its place. */
  | { readonly kind: 'exported'; readonly finished: FinishedExport }
  | { readonly kind: 'runFileRead'; readonly parts: RunFileParts }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: ErrorData };
