/**
 * @file Runs under Node. A run of the command line while a studio is open on the same data directory: it waits in the
 * studio's queue and is trained there. What happens is read from studio.db, what is wished is written into it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { errorFromData, StudioError } from '../../shared/errors.ts';
import type { RunRecord, RunState, WorkerReport } from '../../shared/runs.ts';
import type { StudioDatabase } from '../db/connection.ts';
import { deleteRun } from '../db/deleteRun.ts';
import { logTail } from '../db/logs.ts';
import { leaveQueue, waitingRuns } from '../db/queue.ts';
import { type RunRequestKind, requestOfRun } from '../db/runRequests.ts';
import { findRun } from '../db/runs.ts';
import type { RunningTraining, TrainingEnd, TrainingListener } from './attempt.ts';

const LOOK_EVERY_MS = 300;
const ENDED: ReadonlySet<RunState> = new Set(['completed', 'stopped', 'failed', 'interrupted']);

/** Watches a run that is in the queue already. */
export function watchJoined(
  store: StudioDatabase,
  runId: string,
  listener: TrainingListener,
): RunningTraining {
  const place = waitingRuns(store).findIndex(({ id }) => id === runId) + 1;
  const text = `A studio is open on this data directory: the run waits in its queue${place > 0 ? `, at place ${place}` : ''}.`;
  listener.onReports([{ kind: 'log', level: 'info', text }]);
  const wishes: RunRequestKind[] = [];
  return {
    runId,
    stop: (keep = false) => void wishes.push(keep ? 'keep' : 'stop'),
    kill: () => void wishes.push('now'),
    pause: () => void wishes.push('pause'),
    continue: () => void wishes.push('continue'),
    done: follow(store, runId, { listener, wishes }),
  };
}

interface Following {
  readonly listener: TrainingListener;
  readonly wishes: RunRequestKind[];
}

async function follow(
  store: StudioDatabase,
  runId: string,
  { listener, wishes }: Following,
): Promise<TrainingEnd> {
  const news = new RunNews(store, runId);
  while (true) {
    const run = findRun(store, runId);
    const reports = news.of(run);
    if (reports.length > 0) listener.onReports(reports);
    if (ENDED.has(run.state) && !news.isOld(run)) return endOf(run);
    for (const wish of wishes.splice(0)) {
      if (run.state !== 'queued') requestOfRun(store, runId, wish);
      else if (wish !== 'pause' && wish !== 'continue') throw takenBack(store, run);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** A new run that has not begun leaves nothing behind; one that was to go on is what it was. */
function takenBack(store: StudioDatabase, run: RunRecord): StudioError {
  const resumes = waitingRuns(store).find(({ id }) => id === run.id)?.queuedFrom !== null;
  if (resumes) leaveQueue(store, run.id);
  else deleteRun(store, run.id);
  return new StudioError('CANCELLED', `Run ${run.id} was taken out of the queue before it began.`);
}

/** What has changed since the last look, as a worker would report it. */
class RunNews {
  readonly #store: StudioDatabase;
  readonly #runId: string;
  readonly #endedBefore: string | null;
  #logCursor: number;
  #started = false;
  #progress = '';

  constructor(store: StudioDatabase, runId: string) {
    this.#store = store;
    this.#runId = runId;
    this.#logCursor = logTail(store, runId, null).cursor;
    this.#endedBefore = findRun(store, runId).finishedAt;
  }

  /** True while the run shows the end of an earlier attempt. */
  isOld(run: RunRecord): boolean {
    return run.finishedAt !== null && run.finishedAt === this.#endedBefore;
  }

  of(run: RunRecord): WorkerReport[] {
    const reports: WorkerReport[] = [];
    if (!this.#started && run.state === 'running' && run.engine !== null && run.plan !== null) {
      this.#started = true;
      const resumedAtStep = run.progress?.step ?? 0;
      reports.push({ kind: 'started', engine: run.engine, ...run.plan, resumedAtStep });
    }
    const progress = JSON.stringify(run.progress);
    if (run.progress !== null && progress !== this.#progress && run.state !== 'queued') {
      this.#progress = progress;
      reports.push({ kind: 'progress', ...run.progress });
    }
    const { lines, cursor } = logTail(this.#store, this.#runId, this.#logCursor);
    this.#logCursor = cursor;
    for (const { level, text } of lines) reports.push({ kind: 'log', level, text });
    return reports;
  }
}

/** @throws StudioError why the run has failed, or INTERRUPTED. */
function endOf(run: RunRecord): TrainingEnd {
  if (run.state === 'completed' && run.result !== null) return { outcome: 'finished', result: run.result };
  if (run.state === 'stopped')
    return { outcome: 'stopped', step: run.progress?.step ?? 0, result: run.result };
  if (run.error !== null) throw errorFromData(run.error);
  throw new StudioError(
    'INTERRUPTED',
    `Run ${run.id} was ended at once; it goes on from its last checkpoint.`,
    {
      nextStep: `Go on with it: npx --no entail runs resume ${run.id}`,
    },
  );
}
