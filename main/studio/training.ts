/** @file Runs under Node. Training runs from request to worker: made at once, or put into the queue and launched later. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineName } from '../../shared/engines.ts';
import { errorData, isDiskFull, StudioError } from '../../shared/errors.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { Environment, RunRecord } from '../../shared/runs.ts';
import { addTag } from '../db/annotations.ts';
import { write } from '../db/connection.ts';
import { claimRun, type Lease } from '../db/lease.ts';
import { claimQueued, giveBack, placeAt, queueAgain, requireWaiting, threadsOf } from '../db/queue.ts';
import { appendReports } from '../db/reports.ts';
import { failRun } from '../db/runState.ts';
import { createRun, findRun } from '../db/runs.ts';
import type { Entries } from '../entries.ts';
import { writeError } from '../files/fileErrors.ts';
import { checkpointsFolder, listFolders } from '../training/checkpoints.ts';
import {
  type ChosenEngine,
  type RunningTraining,
  superviseAttempt,
  type TrainingListener,
} from './attempt.ts';
import type { Databases } from './databases.ts';
import type { EngineService } from './engines.ts';
import { watchJoined } from './joinedTraining.ts';
import { keptCheckpoints, requireFolder } from './lostFolder.ts';
import { encodeAgain, type PreparedRun, type PreparingRequest, preparedRun } from './preparedRun.ts';
import { RoomWait } from './roomWait.ts';
import { isStudioOpen } from './studioLock.ts';
import { takeOut } from './takeOut.ts';
import { writeTokenizer } from './tokenizerOfRun.ts';

export interface TrainRequest extends PreparingRequest {
  readonly threads: number | null;
  readonly name: string | null;
  readonly experiment: string | null;
  readonly tags: readonly string[];
}

/** What the training service is told once. */
export interface TrainingSetting {
  readonly databases: Databases;
  readonly entries: Entries;
  readonly environment: Environment;
  readonly engines: EngineService;
}

export class TrainingService {
  readonly #setting: TrainingSetting;

  constructor(setting: TrainingSetting) {
    this.#setting = setting;
  }

  /** Makes a run and starts its worker, or puts it into the queue of a studio that is open here. @throws StudioError for a data set, engine or vocabulary that does not fit. */
  async start(
    request: TrainRequest,
    listener: TrainingListener,
    signal?: AbortSignal,
  ): Promise<RunningTraining> {
    const { databases } = this.#setting;
    if (isStudioOpen(databases.places.root)) {
      const runId = await this.enqueue(request, placeAt(databases.store(), 'back'));
      return this.#join(runId, listener);
    }
    const prepared = preparedRun(databases, request);
    const engine = await this.#engineFor(request.engine, request.threads, request.hyperparameters);
    await prepared.encode({ onReports: listener.onReports, signal });
    await databases.backUp();
    const runId = this.#store(request, prepared, null);
    const lease = claimRun(databases.store(), runId);
    return this.#guarded(runId, lease, () => {
      this.#furnish(runId, request, prepared);
      return this.#supervise(findRun(databases.store(), runId), lease, {
        engine,
        resumeFrom: null,
        listener,
      });
    });
  }

  /**
   * Makes a run that waits in the queue: everything that can be wrong with it is said now, and its configuration never
   * changes from here on. `place`: before all waiting runs with a greater one.
   * @throws StudioError as `start`.
   */
  async enqueue(request: TrainRequest, place: number): Promise<string> {
    const prepared = preparedRun(this.#setting.databases, request);
    await this.#engineFor(request.engine, request.threads, request.hyperparameters);
    // Another process may start the run as soon as it can be seen: it is whole then, or not there.
    return write(this.#setting.databases.store(), () => {
      const runId = this.#store(request, prepared, place);
      try {
        this.#furnish(runId, request, prepared);
      } catch (thrown) {
        rmSync(this.#runDirectory(runId), { recursive: true, force: true });
        throw writeError(thrown, this.#runDirectory(runId));
      }
      return runId;
    });
  }

  /**
   * Starts the worker of a waiting run, from its newest checkpoint if it has one. Where the disk is too full for its
   * encoded pairs, it waits for room as a run does that trains. Cancelled by `signal` before that, it waits in the queue
   * as before.
   * @throws StudioError NOT_FOUND, USAGE when it does not wait any more, CANCELLED, and what keeps it from starting (it has
   * failed then).
   */
  async launch(runId: string, listener: TrainingListener, signal?: AbortSignal): Promise<RunningTraining> {
    const { databases } = this.#setting;
    const store = databases.store();
    const waiting = requireWaiting(store, runId);
    const lease = claimQueued(store, waiting.id);
    const run = findRun(store, runId);
    const start = async (until: AbortSignal | undefined) => {
      const engine = await this.#ready(run, listener, until);
      return this.#goOn(run, lease, { engine, listener });
    };
    try {
      return await start(signal);
    } catch (thrown) {
      if (isDiskFull(thrown) && signal?.aborted !== true)
        return new RoomWait({ databases, waiting, lease, listener, start, signal, full: thrown });
      if (signal?.aborted === true) giveBack(store, waiting);
      else failRun(store, run.id, errorData(thrown));
      lease.release();
      throw thrown;
    }
  }

  /**
   * Goes on with a run that was stopped, interrupted or has failed, from its newest checkpoint.
   * @throws StudioError NOT_FOUND; USAGE when it is completed; LOCKED when a process works on it.
   */
  async resume(
    idOrPrefix: string,
    listener: TrainingListener,
    signal?: AbortSignal,
  ): Promise<RunningTraining> {
    const store = this.#setting.databases.store();
    const run = findRun(store, idOrPrefix);
    requireResumable(run);
    if (isStudioOpen(this.#setting.databases.places.root)) {
      this.queueAgain(run.id);
      return this.#join(run.id, listener);
    }
    const engine = await this.#ready(run, listener, signal);
    const lease = claimRun(store, run.id);
    return this.#guarded(run.id, lease, () => this.#goOn(run, lease, { engine, listener }));
  }

  /** Puts a run that can go on into the queue. @throws StudioError NOT_FOUND when its folder is gone, USAGE, LOCKED. */
  queueAgain(runId: string): void {
    const { databases } = this.#setting;
    requireFolder(databases, runId);
    queueAgain(databases.store(), runId, 'back');
  }

  #join(runId: string, listener: TrainingListener): RunningTraining {
    const { databases } = this.#setting;
    return watchJoined({
      ...{ store: databases.store(), runId, listener },
      isStudioOpen: () => isStudioOpen(databases.places.root),
      takeOut: () => takeOut(databases, runId),
      trainHere: () => this.launch(runId, listener),
    });
  }

  /** What a run needs before its worker starts; the same engine and threads as before, or it would not go on bit for bit. */
  async #ready(run: RunRecord, { onReports }: TrainingListener, signal?: AbortSignal): Promise<ChosenEngine> {
    const { databases } = this.#setting;
    requireFolder(databases, run.id);
    await encodeAgain(databases, run, { folder: this.#runDirectory(run.id), onReports, signal });
    await databases.backUp();
    const threads = run.engine?.threads ?? threadsOf(databases.store(), run.id);
    const engine = run.engine?.engine ?? run.config.engine;
    return await this.#engineFor(engine, threads, run.config.hyperparameters);
  }

  #goOn(
    run: RunRecord,
    lease: Lease,
    attempt: { engine: ChosenEngine; listener: TrainingListener },
  ): RunningTraining {
    const { databases } = this.#setting;
    const [newest] = listFolders(checkpointsFolder(this.#runDirectory(run.id)));
    if (keptCheckpoints(databases, run.id).lost === 'checkpoints') {
      const text = 'The checkpoints are missing from the folder of the run: it begins again.';
      const warning = { kind: 'log', level: 'warning', text } as const;
      appendReports(databases.store(), run.id, [warning]);
      attempt.listener.onReports([warning]);
    }
    return this.#supervise(run, lease, { ...attempt, resumeFrom: newest ?? null });
  }

  #store(request: TrainRequest, { config }: PreparedRun, place: number | null): string {
    const { databases, environment } = this.#setting;
    return createRun(databases.store(), {
      config,
      environment,
      ...(request.name === null ? {} : { name: request.name }),
      ...(request.experiment === null ? {} : { experiment: request.experiment }),
      ...(place === null ? {} : { queue: { place, threads: request.threads } }),
    });
  }

  /** What a new run has beside its row. */
  #furnish(runId: string, { tags }: TrainRequest, { tokenizer }: PreparedRun): void {
    for (const tag of tags) addTag(this.#setting.databases.store(), runId, tag);
    mkdirSync(checkpointsFolder(this.#runDirectory(runId)), { recursive: true });
    writeTokenizer(this.#runDirectory(runId), tokenizer);
  }

  /** @throws StudioError ENGINE_MISSING when the engine, or any, does not work here; USAGE when not as the run wishes. */
  async #engineFor(
    asked: EngineName | null,
    threads: number | null,
    hyperparameters: Hyperparameters,
  ): Promise<ChosenEngine> {
    const { engines } = this.#setting;
    const name = await engines.choose(asked);
    await engines.check(name, hyperparameters);
    const device = await engines.deviceOf(name);
    const environment = await engines.workerEnvironment(name, { threads, device });
    return { name, threads, devices: [device], environment };
  }

  #runDirectory(runId: string): string {
    return join(this.#setting.databases.places.runs, runId);
  }

  /** What fails between claiming a run and its worker's start is the run's failure, and frees it. */
  #guarded(runId: string, lease: Lease, work: () => RunningTraining): RunningTraining {
    try {
      return work();
    } catch (thrown) {
      failRun(this.#setting.databases.store(), runId, errorData(thrown));
      lease.release();
      throw thrown;
    }
  }

  #supervise(
    run: RunRecord,
    lease: Lease,
    attempt: { engine: ChosenEngine; resumeFrom: string | null; listener: TrainingListener },
  ): RunningTraining {
    const { databases, entries } = this.#setting;
    return superviseAttempt({ databases, entries, run, lease, ...attempt });
  }
}

/** @throws StudioError USAGE for a run that has nothing left to do. */
export function requireResumable(run: RunRecord): void {
  if (run.state !== 'completed') return;
  throw new StudioError('USAGE', `Run ${run.id} is completed; there is nothing to resume.`, {
    nextStep: `Look at it: npx --no entail runs show ${run.id}`,
  });
}
