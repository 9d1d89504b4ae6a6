/**
 * @file Runs under Node. One attempt at a run: its worker supervised, its reports stored and then shown, requests from
 * other processes heard, its end told.
 */
import { join } from 'node:path';
import type { DeviceName } from '../../shared/devices.ts';
import type { EngineName } from '../../shared/engines.ts';
import { type ErrorData, errorFromData, StudioError } from '../../shared/errors.ts';
import type { RunRecord, RunResult, WorkerReport } from '../../shared/runs.ts';
import type { Lease } from '../db/lease.ts';
import { type RunRequestKind, takeRequests } from '../db/runRequests.ts';
import { failRun, interruptRun, setState } from '../db/runState.ts';
import { findRun } from '../db/runs.ts';
import type { Entries } from '../entries.ts';
import { type SupervisedTraining, superviseTraining, type TrainingJob } from '../training/supervisor.ts';
import { configToCompute } from './configToCompute.ts';
import type { Databases } from './databases.ts';
import { ReportSink } from './reportSink.ts';

export type TrainingEnd =
  | { readonly outcome: 'finished'; readonly result: RunResult }
  /** With a result when the figures were to be kept. */
  | { readonly outcome: 'stopped'; readonly step: number; readonly result: RunResult | null };

export interface RunningTraining {
  readonly runId: string;
  /** Ends in good order: at the end of the micro-batch, with a checkpoint; `keep` evaluates the test split too. */
  stop(keep?: boolean): void;
  /** Ends at once; the run becomes "interrupted". */
  kill(): void;
  /** Saves and waits, with the model loaded. */
  pause(): void;
  continue(): void;
  /** Everything is stored when it settles. Rejects with a StudioError when the run has failed. */
  readonly done: Promise<TrainingEnd>;
}

/** The engine of a run, and what its process needs. */
export interface ChosenEngine {
  readonly name: EngineName;
  readonly threads: number | null;
  /** One or more; a worker each. */
  readonly devices: readonly DeviceName[];
  /** Of the worker of each device. */
  readonly environments: readonly Readonly<Record<string, string>>[];
}

/** What an attempt tells, always after it is stored. */
export interface TrainingListener {
  readonly onReports: (reports: readonly WorkerReport[]) => void;
  /** Reports cannot be stored at the moment and wait in memory; null when they could be again. */
  readonly onTrouble?: (trouble: StudioError | null) => void;
}

export interface AttemptOptions {
  readonly databases: Databases;
  readonly entries: Entries;
  readonly run: RunRecord;
  readonly lease: Lease;
  readonly engine: ChosenEngine;
  /** Name of a checkpoint's folder, or null to begin anew. */
  readonly resumeFrom: string | null;
  readonly listener: TrainingListener;
}

const HEARTBEAT_MS = 10_000;
/** Another process's wish is heard within this time. */
const REQUESTS_MS = 500;

export function superviseAttempt(options: AttemptOptions): RunningTraining {
  const { databases, entries, run, lease, engine, listener } = options;
  const store = databases.store();
  const sink = new ReportSink(store, run.id, listener.onReports, listener.onTrouble);
  let killed = false;
  const training = superviseTraining({
    entry: entries.path('training'),
    job: jobOf(options),
    environments: engine.environments,
    onReports: (reports) => {
      if (!sink.take(reports)) training.kill();
    },
  });
  const running: Omit<RunningTraining, 'done'> = {
    runId: run.id,
    stop: (keep = false) => training.stop(keep),
    kill: () => {
      killed = true;
      training.kill();
    },
    pause: () => training.pause(),
    continue: () => training.continue(),
  };
  const beat = setInterval(() => sink.attempt(() => lease.heartbeat()), HEARTBEAT_MS);
  const requests = setInterval(() => sink.attempt(() => obey(running, databases)), REQUESTS_MS);
  const done = settle(training, { databases, sink, wasKilled: () => killed }).finally(() => {
    clearInterval(beat);
    clearInterval(requests);
    // Where even that cannot be written, the run is free again when this process has ended.
    sink.attempt(() => lease.release());
  });
  return { ...running, done };
}

/** Does what other processes asked for through the database. */
export function obey(running: Omit<RunningTraining, 'done'>, databases: Databases): void {
  for (const request of takeRequests(databases.store(), running.runId)) carryOut(running, request);
}

export function carryOut(running: Omit<RunningTraining, 'done'>, request: RunRequestKind): void {
  if (request === 'pause') running.pause();
  else if (request === 'continue') running.continue();
  else if (request === 'now') running.kill();
  else running.stop(request === 'keep');
}

function jobOf({ databases, run, engine, resumeFrom }: AttemptOptions): TrainingJob {
  const runDirectory = join(databases.places.runs, run.id);
  return {
    runId: run.id,
    runDirectory,
    cachePath: databases.places.cacheDatabase,
    dataDirectory: databases.places.root,
    config: configToCompute(databases, run),
    engine: engine.name,
    ...{ threads: engine.threads, devices: engine.devices },
    ...{ resumeFrom, trainedOn: run.engine },
  };
}

interface Settling {
  readonly databases: Databases;
  readonly sink: ReportSink;
  readonly wasKilled: () => boolean;
}

/** Waits for the worker's end, stores it where the worker could not report it, and says how it ended. */
async function settle(
  training: SupervisedTraining,
  { databases, sink, wasKilled }: Settling,
): Promise<TrainingEnd> {
  const store = databases.store();
  const end = await training.done;
  await sink.finishPatiently(wasKilled);
  const { state } = findRun(store, sink.runId);
  if (end.outcome === 'finished') return { outcome: 'finished', result: end.result };
  // Killed by the second Ctrl-C, or by the supervisor because the worker did not hear the first.
  const lost = end.outcome === 'failed' && end.error.code === 'INTERRUPTED' ? end.error : null;
  if (wasKilled() || lost !== null) {
    if (state !== 'stopped') interruptRun(store, sink.runId, endedAtOnce(wasKilled() ? null : lost));
    throw new StudioError(
      'INTERRUPTED',
      `Run ${sink.runId} was ended at once; it goes on from its last checkpoint.`,
      { nextStep: `Go on with it: npx --no entail runs resume ${sink.runId}` },
    );
  }
  if (end.outcome === 'stopped') {
    if (state !== 'stopped') setState(store, sink.runId, 'stopped');
    return end;
  }
  if (end.error.code === 'WORKER_CRASHED') {
    // The run did nothing wrong: its process is gone (killed, out of memory, a native abort), and it can go on.
    sink.take([{ kind: 'log', level: 'warning', text: end.error.message }]);
    interruptRun(store, sink.runId, end.error);
  } else if (state !== 'failed') failRun(store, sink.runId, end.error);
  const { nextStep } = end.error;
  throw errorFromData({
    ...end.error,
    nextStep:
      nextStep === ''
        ? `Go on from the last checkpoint: npx --no entail runs resume ${sink.runId}`
        : nextStep,
  });
}

/** `lost` is what the supervisor says, where nobody had asked for it. */
function endedAtOnce(lost: ErrorData | null): ErrorData {
  return {
    code: 'INTERRUPTED',
    message: lost?.message ?? 'It was ended at once, as you asked.',
    nextStep: 'Resume it: it goes on from its last checkpoint.',
  };
}
