/** @file Runs anywhere. Contract: long pieces of work beside training, each with progress and cancel. */
import { z } from 'zod';
import type { ImportReport } from '../datasets.ts';
import type { ComparedPrecision, EngineName } from '../engines.ts';
import type { ErrorData } from '../errors.ts';
import type { TextRecord } from '../texts.ts';
import type { OtherEvaluation } from './evaluations.ts';
import { noInput } from './inputs.ts';
import { answers } from './route.ts';

/** What a probe measured: a few real steps of the very configuration, then a few evaluated batches. */
export interface ProbeResult {
  readonly engine: EngineName;
  /** The one that it was measured on, however many the run asks for. */
  readonly device: string;
  /** How many the run asks for: at least and at most so many; more than one will take another time than this one. */
  readonly devices: { readonly least: number; readonly most: number };
  readonly threads: number;
  readonly secondsPerStep: number;
  readonly pairsPerSecond: number;
  readonly stepsPerEpoch: number;
  /** Training and evaluation of one epoch. */
  readonly epochSeconds: number;
  /** The whole run: training, evaluation after each epoch, the test split; writing checkpoints is not in it. */
  readonly totalSeconds: number;
  /** Largest resident memory of the probing process. */
  readonly peakMemoryBytes: number;
  readonly freeMemoryBytes: number;
}

/** What a job is for, and what it leaves when it is done. */
export type JobOutcome =
  | { readonly kind: 'importDataset'; readonly dataset: string | null; readonly report: ImportReport | null }
  | { readonly kind: 'addText'; readonly text: TextRecord | null }
  | { readonly kind: 'importModel'; readonly model: string | null }
  | {
      readonly kind: 'evaluate';
      /** A run's id, or an imported model's name. */
      readonly model: string;
      readonly dataset: string;
      readonly result: OtherEvaluation | null;
    }
  | { readonly kind: 'installEngine' }
  | { readonly kind: 'uninstallEngine' }
  | { readonly kind: 'testEngine'; readonly engine: EngineName; readonly pairsPerSecond: number | null }
  | {
      readonly kind: 'reportEngine';
      readonly engine: EngineName;
      readonly precision: ComparedPrecision;
      /** Markdown, to paste. */
      readonly report: string | null;
      /** Null also where the comparison did not come to its end. */
      readonly passes: boolean | null;
    }
  /** Ids of what is in its place so far. */
  | { readonly kind: 'export'; readonly run: string; readonly exports: readonly number[] }
  | { readonly kind: 'importRun'; readonly run: string | null }
  | { readonly kind: 'probe'; readonly probe: ProbeResult | null };

export interface Job {
  readonly id: string;
  /** "Import pairs.csv as mine" */
  readonly title: string;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  /** 0 to 1, or null while it cannot be told. */
  readonly fraction: number | null;
  /** What it is doing, in words; "" when there is nothing to say. */
  readonly note: string;
  readonly etaSeconds: number | null;
  readonly startedAtMs: number;
  readonly error: ErrorData | null;
  readonly outcome: JobOutcome;
}

export const jobRoutes = {
  /** Newest first; finished ones stay until the studio ends. */
  'jobs/list': answers<readonly Job[]>()(noInput),
  'jobs/cancel': answers<null>()(z.strictObject({ id: z.string().min(1).max(100) })),
};
