/** @file Runs in the supervisor's process (command line, later the studio). Starts, watches and stops training. */
import type { ErrorData } from '../../shared/errors.ts';
import type { RunResult, WorkerReport } from '../../shared/runs.ts';
import type { CrewPlace, TrainingJob } from './jobs.ts';
import { SupervisedCrew } from './parallel/supervisedCrew.ts';
import { longestFirstStepMs } from './patience.ts';
import type { Limits } from './supervisedChild.ts';

export type { TrainingJob } from './jobs.ts';

export type TrainingOutcome =
  | { readonly outcome: 'finished'; readonly result: RunResult }
  | { readonly outcome: 'stopped'; readonly step: number; readonly result: RunResult | null }
  | { readonly outcome: 'failed'; readonly error: ErrorData };

export interface TrainingOptions {
  /** Path of the entry "training". */
  readonly entry: string;
  readonly job: TrainingJob;
  /** By device of the job: what the engine's library needs to find when its worker starts. */
  readonly environments: readonly Readonly<Record<string, string>>[];
  /** How several workers exchange gradients, where it is not left to them. */
  readonly exchange?: CrewPlace['exchange'];
  /** In the order in which they happened; the last one (finished, stopped, failed) is among them. */
  readonly onReports: (reports: readonly WorkerReport[]) => void;
  readonly limits?: Partial<Limits>;
}

export interface SupervisedTraining {
  /** By device. */
  readonly pids: readonly (number | undefined)[];
  /** At the end of the current step, with a checkpoint; `keep` evaluates the test split too. */
  stop(keep: boolean): void;
  /** At the end of the current step the run is saved and waits. */
  pause(): void;
  continue(): void;
  /** At once; the run can be resumed from its last checkpoint. */
  kill(): void;
  /** Never rejects. */
  readonly done: Promise<TrainingOutcome>;
}

/** Metrics reach the database at most this often, and are lost at most this long after a crash. */
const FLUSH_MS = 250;

export function superviseTraining(options: TrainingOptions): SupervisedTraining {
  const { promise: done, resolve } = Promise.withResolvers<TrainingOutcome>();
  let waiting: WorkerReport[] = [];
  let outcome: TrainingOutcome | null = null;
  const flush = () => {
    const reports = waiting;
    waiting = [];
    if (reports.length > 0) options.onReports(reports);
  };
  // A run has ended when its process has: whoever sees it stopped may resume or delete it at once.
  const timer = setInterval(() => {
    if (outcome === null) flush();
  }, FLUSH_MS);
  const take = (report: WorkerReport) => {
    waiting.push(report);
    const { leader } = crew;
    if (report.kind === 'stopping') leader.stopAcknowledged();
    if (report.kind === 'progress') {
      leader.writing(report.phase === 'saving');
      if (report.phase === 'training') crew.stepped();
    }
    outcome = outcomeOf(report) ?? outcome;
  };
  const { entry, environments, job, exchange = null } = options;
  const limits = { firstHangMs: longestFirstStepMs(job.devices), ...options.limits };
  const crew = new SupervisedCrew({
    ...{ entry, environments, job, exchange, limits },
    onMessage: (message) => {
      if (message.kind !== 'handOver') take(message);
      else {
        flush();
        crew.leader.send({ kind: 'handedOver' });
      }
    },
    onEnd: (error) => {
      clearInterval(timer);
      if (outcome === null) take({ kind: 'failed', error: error.toData() });
      flush();
      resolve(outcome!);
    },
  });
  return {
    pids: crew.pids,
    stop: (keep) => crew.leader.stop({ kind: 'stop', keep }),
    pause: () => crew.leader.send({ kind: 'pause' }),
    continue: () => crew.leader.send({ kind: 'continue' }),
    kill: () => crew.kill(),
    done,
  };
}

function outcomeOf(report: WorkerReport): TrainingOutcome | null {
  if (report.kind === 'finished') return { outcome: 'finished', result: report.result };
  if (report.kind === 'stopped')
    return { outcome: 'stopped', step: report.step, result: report.result ?? null };
  return report.kind === 'failed' ? { outcome: 'failed', error: report.error } : null;
}
