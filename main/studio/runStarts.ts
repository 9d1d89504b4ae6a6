/**
 * @file Runs under Node. How a run starts once its devices are taken: claimed with them, made ready, its worker supervised. All
 * of them are given up again where it comes to nothing.
 */
import { join } from 'node:path';
import type { DevicesWish } from '../../shared/devices.ts';
import type { EngineName } from '../../shared/engines.ts';
import { errorData, isDiskFull, type StudioError } from '../../shared/errors.ts';
import type { RunRecord } from '../../shared/runs.ts';
import { claimRun, type Lease } from '../db/lease.ts';
import { claimQueued, claimResumable, giveBack, requireWaiting, threadsOf } from '../db/queue.ts';
import { appendReports } from '../db/reports.ts';
import { failRun } from '../db/runState.ts';
import { findRun } from '../db/runs.ts';
import type { Entries } from '../entries.ts';
import { checkpointsFolder, listFolders } from '../training/checkpoints.ts';
import {
  type ChosenEngine,
  type RunningTraining,
  superviseAttempt,
  type TrainingListener,
} from './attempt.ts';
import { checkedEngine, engineOn } from './chosenEngine.ts';
import { configToCompute } from './configToCompute.ts';
import type { Databases } from './databases.ts';
import type { EngineService } from './engines.ts';
import { keptCheckpoints, requireFolder } from './lostFolder.ts';
import { encodeAgain } from './preparedRun.ts';
import { RoomWait } from './roomWait.ts';
import { leaseWith, type TakenDevices } from './takenDevices.ts';

export interface StartSetting {
  readonly databases: Databases;
  readonly entries: Entries;
  readonly engines: EngineService;
}

export interface LaunchLinks {
  readonly listener: TrainingListener;
  readonly signal?: AbortSignal;
}

export interface FreshStart extends Pick<ChosenEngine, 'name' | 'threads'> {
  readonly listener: TrainingListener;
  /** -> the new run's id */
  readonly store: () => string;
  /** Gives the run what it has beside its row. */
  readonly furnish: (runId: string) => void;
}

export interface GoingOn {
  readonly name: EngineName;
  /** What the run asks for from now on. */
  readonly wish: DevicesWish;
  /** As before where it is left out. */
  readonly microBatchTokens: number | undefined;
  readonly listener: TrainingListener;
}

export class RunStarts {
  readonly #setting: StartSetting;

  constructor(setting: StartSetting) {
    this.#setting = setting;
  }

  /** A run that never waited. */
  async fresh(
    taken: TakenDevices,
    { name, threads, listener, store, furnish }: FreshStart,
  ): Promise<RunningTraining> {
    return await holding(taken, async () => {
      const engine = await engineOn(this.#setting.engines, { name, threads }, taken.devices);
      const runId = store();
      const names = taken.devices.map((device) => device.name);
      const lease = leaseWith(claimRun(this.#setting.databases.store(), runId, names), taken.lock);
      return this.#guarded(runId, lease, () => {
        furnish(runId);
        const run = findRun(this.#setting.databases.store(), runId);
        return this.#supervise(run, lease, { engine, resumeFrom: null, listener });
      });
    });
  }

  /** A run that is `ready` to go on, and does not wait. */
  async again(
    run: RunRecord,
    taken: TakenDevices,
    { name, wish, microBatchTokens, listener }: GoingOn,
  ): Promise<RunningTraining> {
    return await holding(taken, async () => {
      const engine = await engineOn(this.#setting.engines, this.#asBefore(run, name), taken.devices);
      const store = this.#setting.databases.store();
      const names = taken.devices.map((device) => device.name);
      const wishes = { devices: wish, microBatchTokens };
      const lease = leaseWith(claimResumable(store, run.id, names, wishes), taken.lock);
      return this.#guarded(run.id, lease, () =>
        this.#goOn(findRun(store, run.id), lease, { engine, listener }),
      );
    });
  }

  /** Claims a waiting run, whose devices are taken, and starts it; a problem is what it fails with. */
  async fromQueue(
    runId: string,
    taken: TakenDevices,
    { listener, signal, problem }: LaunchLinks & { readonly problem: StudioError | null },
  ): Promise<RunningTraining> {
    const { databases, engines } = this.#setting;
    const store = databases.store();
    const { waiting, lease } = await holding(taken, () => {
      const names = taken.devices.map(({ name }) => name);
      const found = requireWaiting(store, runId);
      return { waiting: found, lease: leaseWith(claimQueued(store, found.id, names), taken.lock) };
    });
    const run = findRun(store, runId);
    const start = async (until: AbortSignal | undefined) => {
      if (problem !== null) throw problem;
      const name = await this.ready(run, listener, until);
      const engine = await engineOn(engines, this.#asBefore(run, name), taken.devices);
      return this.#goOn(run, lease, { engine, listener });
    };
    try {
      return await start(signal);
    } catch (thrown) {
      if (isDiskFull(thrown) && signal?.aborted !== true)
        return new RoomWait({ databases, waiting, lease, listener, start, signal, full: thrown });
      try {
        if (signal?.aborted === true) giveBack(store, waiting);
        else failRun(store, run.id, errorData(thrown));
      } finally {
        // Its devices are free again, even where the database cannot be written now.
        lease.release();
      }
      throw thrown;
    }
  }

  /** What a run needs before its worker starts; the same engine as before, or it would not go on bit for bit. */
  async ready(run: RunRecord, { onReports }: TrainingListener, signal?: AbortSignal): Promise<EngineName> {
    const { databases } = this.#setting;
    requireFolder(databases, run.id);
    await encodeAgain(databases, run, { folder: this.#runDirectory(run.id), onReports, signal });
    await databases.backUp();
    const engine = run.engine?.engine ?? run.config.engine;
    return await checkedEngine(this.#setting.engines, engine, run.config.hyperparameters);
  }

  /** The same number of threads as before, for the same reason. */
  #asBefore(run: RunRecord, name: EngineName): Pick<ChosenEngine, 'name' | 'threads'> {
    return { name, threads: run.engine?.threads ?? threadsOf(this.#setting.databases.store(), run.id) };
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
      this.#tell(run.id, attempt.listener, text);
    }
    const { microBatchTokens } = configToCompute(databases, run).hyperparameters;
    if (microBatchTokens !== run.config.hyperparameters.microBatchTokens)
      this.#tell(run.id, attempt.listener, microBatchText(microBatchTokens));
    return this.#supervise(run, lease, { ...attempt, resumeFrom: newest ?? null });
  }

  #tell(runId: string, { onReports }: TrainingListener, text: string): void {
    const warning = { kind: 'log', level: 'warning', text } as const;
    appendReports(this.#setting.databases.store(), runId, [warning]);
    onReports([warning]);
  }

  #runDirectory(runId: string): string {
    return join(this.#setting.databases.places.runs, runId);
  }

  /** What fails between claiming a run and its worker's start is the run's failure, and frees it. */
  #guarded(runId: string, lease: Lease, work: () => RunningTraining): RunningTraining {
    try {
      return work();
    } catch (thrown) {
      try {
        failRun(this.#setting.databases.store(), runId, errorData(thrown));
      } finally {
        lease.release();
      }
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

function microBatchText(tokens: number): string {
  const count = tokens === 0 ? 'as many tokens at once as Entail chooses' : `${tokens} tokens at once`;
  return `It computes ${count}, other than its configuration says: the gradient is the same, but for its last bits (and for dropout on the engine tensorflow).`;
}

/** Gives the devices up when what needs them fails to begin. */
async function holding<Value>({ lock }: TakenDevices, work: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}
