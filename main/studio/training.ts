/** @file Runs under Node. Training runs from request to worker: made at once, or put into the queue and launched later. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type DevicesWish, FREE_DEVICES, ONE_DEVICE } from '../../shared/devices.ts';
import type { EngineName } from '../../shared/engines.ts';
import { errorData, errorFromData, StudioError } from '../../shared/errors.ts';
import type { Environment } from '../../shared/runs.ts';
import { addTag } from '../db/annotations.ts';
import { write } from '../db/connection.ts';
import {
  devicesWishOf,
  type GoingOnWish,
  placeAt,
  queueAgain,
  requireResumable,
  requireWaiting,
} from '../db/queue.ts';
import { createRun, findRun } from '../db/runs.ts';
import type { Entries } from '../entries.ts';
import { writeError } from '../files/fileErrors.ts';
import { checkpointsFolder } from '../training/checkpoints.ts';
import type { RunningTraining, TrainingListener } from './attempt.ts';
import { checkedEngine } from './chosenEngine.ts';
import type { Databases } from './databases.ts';
import type { DeviceService } from './devices.ts';
import type { Placement } from './deviceTurns.ts';
import type { EngineService } from './engines.ts';
import { watchJoined } from './joinedTraining.ts';
import { requireFolder } from './lostFolder.ts';
import { type PreparedRun, type PreparingRequest, preparedRun } from './preparedRun.ts';
import { type LaunchLinks, RunStarts } from './runStarts.ts';
import { isStudioOpen } from './studioLock.ts';
import { lockPlacement, type TakenDevices, takeDevices } from './takenDevices.ts';
import { takeOut } from './takeOut.ts';
import { writeTokenizer } from './tokenizerOfRun.ts';

export interface TrainRequest extends PreparingRequest {
  readonly threads: number | null;
  /** Where it is not told: all that are free of a run that starts at once, one of a run that is queued. */
  readonly devices?: DevicesWish;
  /** False: a device that is not free is an error, where there is no queue to wait in. */
  readonly waits?: boolean;
  /** True: it starts beside a program that is no Entail, rather than wait for it. */
  readonly besidePrograms?: boolean;
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
  readonly devices: DeviceService;
}

export class TrainingService {
  readonly #setting: TrainingSetting;
  readonly #starts: RunStarts;

  constructor(setting: TrainingSetting) {
    this.#setting = setting;
    this.#starts = new RunStarts(setting);
  }

  /** Makes a run and starts its worker, or puts it into the queue of a studio that is open here. @throws StudioError for a data set, engine or vocabulary that does not fit. */
  async start(
    request: TrainRequest,
    listener: TrainingListener,
    signal?: AbortSignal,
  ): Promise<RunningTraining> {
    const { databases } = this.#setting;
    const wish = request.devices ?? FREE_DEVICES;
    if (isStudioOpen(databases.places.root)) {
      const runId = await this.enqueue({ ...request, devices: wish }, placeAt(databases.store(), 'back'));
      return this.#join(runId, listener);
    }
    const prepared = preparedRun(databases, request);
    const name = await this.#requireEngine(request);
    await prepared.encode({ onReports: listener.onReports, signal });
    await databases.backUp();
    const { waits = true, besidePrograms = false } = request;
    const taking = { engine: name, wish, waits, besidePrograms, purpose: 'a run' };
    const taken = await takeDevices(this.#setting.devices, taking, { listener, signal });
    return await this.#starts.fresh(taken, {
      ...{ name, threads: request.threads, listener },
      store: () => this.#store({ ...request, devices: wish }, prepared, null),
      furnish: (runId) => this.#furnish(runId, request, prepared),
    });
  }

  /**
   * Makes a run that waits in the queue: everything that can be wrong with it is said now, and its configuration never
   * changes from here on. `place`: before all waiting runs with a greater one.
   * @throws StudioError as `start`.
   */
  async enqueue(request: TrainRequest, place: number): Promise<string> {
    const prepared = preparedRun(this.#setting.databases, request);
    await this.#requireEngine(request);
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
   * Starts the worker of a waiting run, from its newest checkpoint if it has one, on devices that are free: `placement` is
   * what `DeviceService.turns` gave it. Where the disk is too full for its encoded pairs, it waits for room as a run does that
   * trains. Cancelled by `signal` before that, it waits in the queue as before.
   * @throws StudioError NOT_FOUND, USAGE when it does not wait any more, LOCKED when its device is not free any more (it waits
   * as before), CANCELLED, and what keeps it from starting (it has failed then).
   */
  async launch(runId: string, placement: Placement, links: LaunchLinks): Promise<RunningTraining> {
    const { databases, devices } = this.#setting;
    const { id } = requireWaiting(databases.store(), runId);
    const none = { devices: [], lock: { release: () => {} } };
    const isImpossible = placement instanceof StudioError;
    const taken = isImpossible ? none : await lockPlacement(devices, placement, `run ${id}`);
    return await this.#starts.fromQueue(id, taken, { ...links, problem: isImpossible ? placement : null });
  }

  /**
   * Goes on with a run that was stopped, interrupted or has failed, from its newest checkpoint, on as many devices as before
   * unless others are named, which it asks for from then on; and so it is with the tokens that it computes at once.
   * @throws StudioError NOT_FOUND, also for a device that its engine does not have; USAGE when it is completed or waits in the queue; LOCKED when a process works on it.
   */
  async resume(
    idOrPrefix: string,
    { listener, signal, devices, besidePrograms = false, microBatchTokens }: LaunchLinks & GoingOnWish,
  ): Promise<RunningTraining> {
    const store = this.#setting.databases.store();
    const run = findRun(store, idOrPrefix);
    requireResumable(run);
    if (isStudioOpen(this.#setting.databases.places.root)) {
      const engine = run.engine?.engine ?? run.config.engine;
      if (devices !== undefined)
        await this.#requireEngine({ engine, hyperparameters: run.config.hyperparameters, devices });
      this.queueAgain(run.id, { devices, besidePrograms, microBatchTokens });
      return this.#join(run.id, listener);
    }
    const name = await this.#starts.ready(run, listener, signal);
    const wish = devices ?? devicesWishOf(store, run.id);
    const taking = { engine: name, wish, waits: true, besidePrograms, purpose: `run ${run.id}` };
    const taken = await takeDevices(this.#setting.devices, taking, { listener, signal });
    return await this.#starts.again(run, taken, { name, wish, microBatchTokens, listener });
  }

  /** Puts a run that can go on into the queue. @throws StudioError NOT_FOUND when its folder is gone, USAGE, LOCKED. */
  queueAgain(runId: string, wish: GoingOnWish = {}): void {
    const { databases } = this.#setting;
    requireFolder(databases, runId);
    queueAgain(databases.store(), runId, wish);
  }

  #join(runId: string, listener: TrainingListener): RunningTraining {
    const { databases } = this.#setting;
    return watchJoined({
      ...{ store: databases.store(), runId, listener },
      isStudioOpen: () => isStudioOpen(databases.places.root),
      takeOut: () => takeOut(databases, runId),
      trainHere: (signal) => this.#trainHere(runId, listener, signal),
    });
  }

  /** A waiting run that nobody works through the queue for. @throws StudioError CANCELLED, and as `launch`. */
  async #trainHere(runId: string, listener: TrainingListener, signal: AbortSignal): Promise<RunningTraining> {
    const { databases, devices, engines } = this.#setting;
    const { config, devices: wish, besidePrograms } = requireWaiting(databases.store(), runId);
    let taken: TakenDevices;
    try {
      const asked = findRun(databases.store(), runId).engine?.engine ?? config.engine;
      const engine = await checkedEngine(engines, asked, config.hyperparameters);
      const taking = { engine, wish, waits: true, besidePrograms, purpose: `run ${runId}` };
      taken = await takeDevices(devices, taking, { listener, signal });
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      return await this.launch(runId, errorFromData(errorData(thrown)), { listener });
    }
    return await this.#starts.fromQueue(runId, taken, { listener, problem: null });
  }

  #store(request: TrainRequest, { config }: PreparedRun, place: number | null): string {
    const { databases, environment } = this.#setting;
    return createRun(databases.store(), {
      config,
      environment,
      devices: request.devices ?? ONE_DEVICE,
      besidePrograms: request.besidePrograms === true,
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

  /** @throws StudioError as `checkedEngine`; NOT_FOUND for a device that the engine does not have here. */
  async #requireEngine({
    engine,
    hyperparameters,
    devices,
  }: Pick<TrainRequest, 'engine' | 'hyperparameters' | 'devices'>): Promise<EngineName> {
    const name = await checkedEngine(this.#setting.engines, engine, hyperparameters);
    await this.#setting.devices.require(name, devices ?? ONE_DEVICE);
    return name;
  }

  #runDirectory(runId: string): string {
    return join(this.#setting.databases.places.runs, runId);
  }
}
