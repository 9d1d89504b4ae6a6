/** @file Runs anywhere. Contract: stored runs, their table, their annotations, and control over a run that goes on. */
import { z } from 'zod';
import { hyperparametersSchema } from '../hyperparameters.ts';
import type { RunSize } from '../runSize.ts';
import type {
  CheckpointRecord,
  EvaluationRecord,
  LogLine,
  LostPart,
  RunProgress,
  RunRecord,
  RunState,
} from '../runs.ts';
import { label, noInput, runId } from './inputs.ts';
import { answers } from './route.ts';

export type CellValue = string | number | boolean | null;

/** A column of settings: distinct values once, and for each run the place of its value (-1: it has none). */
export interface SettingColumn {
  /** A path such as "hyperparameters.lr", "dataset.name", "model.layers" or "engine". */
  readonly key: string;
  readonly values: readonly CellValue[];
  readonly codes: ArrayLike<number>;
}

/** Last value of a metric, or a figure of the result. */
export interface MetricColumn {
  /** "test/accuracy", "dev/loss", …, "result/trainAccuracy", "best/dev/accuracy". */
  readonly key: string;
  /** NaN where a run has none. */
  readonly values: ArrayLike<number>;
}

/** All runs, column by column: arrays of equal length, newest run first. Small enough to be sorted in the page. */
export interface RunsTable {
  readonly ids: readonly string[];
  readonly names: readonly (string | null)[];
  readonly experiments: readonly (string | null)[];
  readonly states: readonly RunState[];
  readonly tags: readonly (readonly string[])[];
  readonly notes: readonly string[];
  readonly archived: readonly boolean[];
  /** 0 to 7 by default in the order of making; a person may choose another. */
  readonly colours: readonly number[];
  readonly createdAtMs: readonly number[];
  readonly finishedAtMs: readonly (number | null)[];
  readonly durationSeconds: readonly (number | null)[];
  /** Equal for runs that differ in nothing but the seed. */
  readonly replicateKeys: readonly string[];
  /** Reason of a failure, or null. */
  readonly errors: readonly (string | null)[];
  readonly progress: readonly (RunProgress | null)[];
  readonly selectedOnTest: readonly boolean[];
  readonly settings: readonly SettingColumn[];
  readonly metrics: readonly MetricColumn[];
}

/** Numbers in base64, the lowest byte first: doubles (NaN where there is none), or places in a list. */
export type PackedNumbers = string;

/** Distinct values once, and for each run the place of its value. */
export interface PackedColumn<Value> {
  readonly values: readonly Value[];
  /** Bytes of 8 or integers of 32 bits, -1 where a run has none; null when every run has the only value. */
  readonly codes: { readonly bits: 8 | 32; readonly packed: PackedNumbers } | null;
}

/** Columns of the table that say few different things. */
export const REPEATING_COLUMNS = [
  ...(['experiments', 'states', 'tags', 'notes', 'archived', 'colours', 'errors', 'progress'] as const),
  'selectedOnTest',
] as const;
type RepeatingColumn = (typeof REPEATING_COLUMNS)[number];
export const NUMBER_COLUMNS = ['createdAtMs', 'finishedAtMs', 'durationSeconds'] as const;
type NumberColumn = (typeof NUMBER_COLUMNS)[number];

/** The table on its way: ten thousand runs are some megabytes of digits and words otherwise. */
export type PackedRunsTable = Pick<RunsTable, 'ids' | 'names' | 'replicateKeys'> & {
  readonly [Key in RepeatingColumn]: PackedColumn<RunsTable[Key][number]>;
} & { readonly [Key in NumberColumn]: PackedNumbers } & {
  readonly settings: readonly ({ readonly key: string } & PackedColumn<CellValue>)[];
  readonly metrics: readonly { readonly key: string; readonly values: PackedNumbers }[];
};

/** Everything about a run but its curves and its log. */
export interface RunDetails extends RunRecord {
  readonly colour: number;
  readonly folder: string;
  readonly evaluations: readonly EvaluationRecord[];
  /** Those whose folders are there, newest first. */
  readonly checkpoints: readonly CheckpointRecord[];
  /** `folder`: it cannot be resumed; `checkpoints`: it begins again. Null when nothing is missing. */
  readonly lost: LostPart | null;
  /** Tokens at once that it was resumed with, in place of those of its configuration; 0: as many as Entail chooses. */
  readonly microBatchTokens: number | null;
  readonly size: RunSize;
  /** Splits for which probabilities of every example are stored: what the Errors page can open. */
  readonly predictions: readonly { readonly split: 'train' | 'dev' | 'test'; readonly step: number }[];
}

export interface LogPage {
  readonly lines: readonly LogLine[];
  /** Pass it next time. */
  readonly cursor: number;
}

const ids = z.array(runId).min(1).max(10_000);

export const runRoutes = {
  /** All runs (archived ones too, marked), or only those asked for; ids that are gone are left out. */
  'runs/table': answers<PackedRunsTable>()(z.strictObject({ ids: z.array(runId).max(10_000).optional() })),
  'runs/show': answers<RunDetails>()(z.strictObject({ run: runId })),
  'runs/log': answers<LogPage>()(
    z.strictObject({ run: runId, after: z.number().int().min(0).nullable().default(null) }),
  ),
  /** One change to many runs; what is left out stays. The page keeps what was there before, for undo. */
  'runs/annotate': answers<null>()(
    z.strictObject({
      ids,
      name: label.nullable().optional(),
      notes: z.string().max(100_000).optional(),
      addTags: z.array(label).max(50).optional(),
      removeTags: z.array(label).max(50).optional(),
      archived: z.boolean().optional(),
      colour: z.number().int().min(0).max(7).nullable().optional(),
    }),
  ),
  /** Gone for the page at once, from the disk after ten seconds. Refused (LOCKED) for a run that goes on. */
  'runs/delete': answers<{ readonly freedBytes: number; readonly undoableUntilMs: number }>()(
    z.strictObject({ ids }),
  ),
  /** Takes a deletion back. @throws NOT_FOUND once it is done. */
  'runs/restore': answers<null>()(z.strictObject({ ids })),
  /**
   * `keep`: ends in good order with a checkpoint, evaluates the test split with it, and keeps figures and predictions;
   * the run can still be resumed. `now`: ends at once; the run goes on from its last checkpoint.
   */
  'runs/stop': answers<null>()(z.strictObject({ run: runId, how: z.enum(['keep', 'now']) })),
  /** Saves and waits, with the model loaded. */
  'runs/pause': answers<null>()(z.strictObject({ run: runId })),
  /**
   * A paused run goes on at once, as it is; a stopped, interrupted or failed one is put into the queue, to compute so many
   * tokens at once from then on.
   */
  'runs/resume': answers<null>()(
    z.strictObject({
      run: runId,
      microBatchTokens: hyperparametersSchema.shape.microBatchTokens.unwrap().optional(),
    }),
  ),
  /** Ends it at once and deletes it, undoable for ten seconds (it is then interrupted). */
  'runs/discard': answers<{ readonly undoableUntilMs: number }>()(z.strictObject({ run: runId })),
  'runs/experiments': answers<readonly { readonly name: string; readonly runs: number }[]>()(noInput),
};
