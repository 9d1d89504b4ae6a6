/**
 * @file Runs anywhere. Contract: what the studio tells without being asked, always after it is committed. A client
 * that knows a cursor gets everything after it, once; one whose cursor is too old or of another start is told to begin
 * anew (`reset`).
 */
import type { Split } from '../datasets.ts';
import type { EvaluationRecord, LogLine, MetricPoint, RunProgress, RunState } from '../runs.ts';
import type { Settings } from './app.ts';
import type { Job } from './jobs.ts';
import type { QueueState } from './queue.ts';

export type StudioEvent =
  /** Ask for everything again. */
  | { readonly kind: 'reset' }
  /** Rows of the table are new or have changed; ask `runs/table` for them. */
  | { readonly kind: 'runs'; readonly ids: readonly string[] }
  | { readonly kind: 'runsDeleted'; readonly ids: readonly string[] }
  | {
      readonly kind: 'progress';
      readonly run: string;
      readonly state: RunState;
      readonly progress: RunProgress;
    }
  /** New points, in order. */
  | { readonly kind: 'points'; readonly run: string; readonly points: readonly MetricPoint[] }
  /** A resumed run computes again what came after this step: curves end there. */
  | { readonly kind: 'pointsDropped'; readonly run: string; readonly afterStep: number }
  | { readonly kind: 'log'; readonly run: string; readonly lines: readonly LogLine[] }
  | {
      readonly kind: 'evaluation';
      readonly run: string;
      readonly split: Split;
      readonly evaluation: EvaluationRecord;
    }
  | { readonly kind: 'queue'; readonly queue: QueueState }
  | { readonly kind: 'job'; readonly job: Job }
  | { readonly kind: 'datasets' }
  /** Imported models came, went or changed. */
  | { readonly kind: 'importedModels' }
  | { readonly kind: 'engines' }
  | { readonly kind: 'exports' }
  | { readonly kind: 'settings'; readonly settings: Settings }
  /** Something a person must know now: a full disk, a run that waits. `id` lets a later one take it back (text ""). */
  | {
      readonly kind: 'notice';
      readonly id: string;
      readonly level: 'info' | 'warning';
      readonly text: string;
    };

/** One of `AppInfo.notices`: pages that are there hear it at once, the others when they ask, and none shows it twice. */
export function noticeSinceStart(text: string, at: number): StudioEvent & { readonly kind: 'notice' } {
  return { kind: 'notice', id: `start ${at}`, level: 'info', text };
}

/** At most ten a second. `cursor` is passed back on reconnection; it names the studio's start and a number. */
export interface EventBatch {
  readonly cursor: string;
  readonly events: readonly StudioEvent[];
}
