/**
 * @file Runs under Node. A run of the command line while a studio is open on the same data directory: it waits in the
 * studio's queue and is trained there. What happens is read from studio.db, what is wished is written into it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { errorFromData, StudioError } from '../../shared/errors.ts';
import type { RunRecord, RunState, WorkerReport } from '../../shared/runs.ts';
import type { StudioDatabase } from '../db/connection.ts';
import { holderOf, interruptOrphans } from '../db/lease.ts';
import { logTail } from '../db/logs.ts';
import { waitingRuns } from '../db/queue.ts';
import { type RunRequestKind, requestOfRun } from '../db/runRequests.ts';
import { stateOf } from '../db/runState.ts';
import { findRun } from '../db/runs.ts';
import { carryOut, type RunningTraining, type TrainingEnd, type TrainingListener } from './attempt.ts';

const LOOK_EVERY_MS = 300;
/** The studio may have gone: looked at less often, because looking takes its lock for a moment. */
const STUDIO_EVERY_MS = 2000;
const ENDED: ReadonlySet<RunState> = new Set(['completed', 'stopped', 'failed', 'interrupted']);

export interface Joining {
  readonly store: StudioDatabase;
  /** A run that is in the queue already. */
  readonly runId: string;
  readonly listener: TrainingListener;
  readonly isStudioOpen: () => boolean;
  /** Takes the run out of the queue: a new one leaves nothing behind, one that was to go on is what it was. */
  readonly takeOut: () => void;
  /** Takes the run out of the queue and trains it in this process; `signal` ends only the wait for its devices. */
  readonly trainHere: (signal: AbortSignal) => Promise<RunningTraining>;
}

/** Watches a run until the studio has trained it. Where the studio closes before that, it is trained here. */
export function watchJoined(joining: Joining): RunningTraining {
  const { store, runId, listener } = joining;
  const place = waitingRuns(store).findIndex(({ id }) => id === runId) + 1;
  const text = `A studio is open on this data directory: the run waits in its queue${place > 0 ? `, at place ${place}` : ''}.`;
  listener.onReports([{ kind: 'log', level: 'info', text }]);
  const wishes = new Wishes();
  return {
    runId,
    stop: (keep = false) => wishes.add(keep ? 'keep' : 'stop'),
    kill: () => wishes.add('now'),
    pause: () => wishes.add('pause'),
    continue: () => wishes.add('continue'),
    done: follow(joining, wishes),
  };
}

/** What the person at this command line wishes: kept for the studio, or carried out where the run is trained here. */
class Wishes {
  #waiting: RunRequestKind[] = [];
  #here: RunningTraining | null = null;

  add(wish: RunRequestKind): void {
    if (this.#here !== null) carryOut(this.#here, wish);
    else this.#waiting.push(wish);
  }

  /** Whether somebody wishes the run ended. */
  get endIt(): boolean {
    return this.#waiting.some(endsIt);
  }

  take(): RunRequestKind[] {
    return this.#waiting.splice(0);
  }

  carryOutHere(running: RunningTraining): void {
    this.#here = running;
    for (const wish of this.take()) carryOut(running, wish);
  }
}

async function follow(joining: Joining, wishes: Wishes): Promise<TrainingEnd> {
  const { store, runId, listener } = joining;
  const news = new RunNews(store, runId);
  for (let sinceStudioMs = 0; ; sinceStudioMs += LOOK_EVERY_MS) {
    const run = queuedRun(store, runId);
    const reports = news.of(run);
    if (reports.length > 0) listener.onReports(reports);
    if (ENDED.has(run.state)) {
      if (news.isAsBefore(run)) throw takenOut(runId);
      return endOf(run);
    }
    if (run.state === 'queued') takeBackIfWished(joining, wishes.take());
    else {
      for (const wish of wishes.take()) requestOfRun(store, runId, wish);
      // The studio may have died: then nobody else says so.
      if (holderOf(store, runId) === null) interruptOrphans(store);
    }
    if (run.state === 'queued' && sinceStudioMs >= STUDIO_EVERY_MS) {
      const running = joining.isStudioOpen() ? null : await trainHere(joining, wishes);
      if (running !== null) return await running.done;
      sinceStudioMs = 0;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** Null when there is nothing to train here any more: somebody wishes the run ended, or another process was quicker. */
async function trainHere(
  { trainHere: begin, listener, store, runId }: Joining,
  wishes: Wishes,
): Promise<RunningTraining | null> {
  const text = 'The studio has closed before the run began: it is trained here.';
  listener.onReports([{ kind: 'log', level: 'info', text }]);
  const waits = new AbortController();
  const look = setInterval(() => {
    if (wishes.endIt || !isWaiting(store, runId)) waits.abort();
  }, LOOK_EVERY_MS);
  try {
    const running = await begin(waits.signal);
    wishes.carryOutHere(running);
    return running;
  } catch (thrown) {
    // What has become of the run says more than why it does not begin here.
    if (waits.signal.aborted || !isWaiting(store, runId)) return null;
    throw thrown;
  } finally {
    clearInterval(look);
  }
}

/** False where it cannot be read, too: whoever follows the run is told why. */
function isWaiting(store: StudioDatabase, runId: string): boolean {
  try {
    return stateOf(store, runId) === 'queued';
  } catch {
    return false;
  }
}

function endsIt(wish: RunRequestKind): boolean {
  return wish !== 'pause' && wish !== 'continue';
}

/** @throws StudioError CANCELLED when somebody has deleted it in the studio. */
function queuedRun(store: StudioDatabase, runId: string): RunRecord {
  try {
    return findRun(store, runId);
  } catch (thrown) {
    throw thrown instanceof StudioError && thrown.code === 'NOT_FOUND' ? takenOut(runId) : thrown;
  }
}

function takenOut(runId: string): StudioError {
  return new StudioError('CANCELLED', `Run ${runId} was taken out of the queue in the studio.`);
}

/** To pause or go on with a run that waits means nothing. @throws StudioError CANCELLED. */
function takeBackIfWished({ store, runId, takeOut }: Joining, wishes: readonly RunRequestKind[]): void {
  const wish = wishes.find(endsIt);
  if (wish === undefined) return;
  try {
    takeOut();
  } catch (thrown) {
    if (!(thrown instanceof StudioError) || thrown.code !== 'USAGE') throw thrown;
    // The studio has started it since we looked.
    requestOfRun(store, runId, wish);
    return;
  }
  throw new StudioError('CANCELLED', `Run ${runId} was taken out of the queue before it began.`);
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

  /** True when the run shows the end of an earlier attempt: it left the queue without a new one. */
  isAsBefore(run: RunRecord): boolean {
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
  if (run.error !== null && run.error.code !== 'INTERRUPTED') throw errorFromData(run.error);
  throw new StudioError(
    'INTERRUPTED',
    `Run ${run.id} was interrupted${run.error === null ? '.' : `: ${run.error.message}`}`,
    { nextStep: `Go on with it from its last checkpoint: npx --no entail runs resume ${run.id}` },
  );
}
