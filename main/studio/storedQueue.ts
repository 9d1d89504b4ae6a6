/**
 * @file Runs under Node. The queue as it stands in studio.db, for a program that is no studio: the command line. An open
 * studio notices what is changed here, and starts what waits.
 */
import { join } from 'node:path';
import type { QueuedRun, QueueState } from '../../shared/contract/queue.ts';
import type { DeviceBlock, DeviceName } from '../../shared/devices.ts';
import type { EngineName } from '../../shared/engines.ts';
import type { ErrorData } from '../../shared/errors.ts';
import type { RunProgress, RunRecord, RunState } from '../../shared/runs.ts';
import { moveInQueue, placeAt, startBesidePrograms, waitingRuns } from '../db/queue.ts';
import { findRun } from '../db/runs.ts';
import { runsInWork } from '../db/runsInWork.ts';
import type { FoundTicket } from '../engines/deviceTickets.ts';
import { isFileLocked } from '../files/fileLock.ts';
import type { Databases } from './databases.ts';
import { purposeOfRun } from './devicePlaces.ts';
import type { DeviceService } from './devices.ts';
import { QueuePreferences } from './queuePreferences.ts';
import { QUEUE_LOCK, QueueWork } from './queueWork.ts';
import { isStudioOpen } from './studioLock.ts';
import { takeOut } from './takeOut.ts';
import type { TrainingService, TrainRequest } from './training.ts';

export interface TrainingRun {
  readonly id: string;
  readonly name: string | null;
  readonly dataset: string;
  readonly engine: EngineName | null;
  readonly devices: readonly DeviceName[];
  readonly state: RunState;
  readonly progress: RunProgress | null;
  /** What keeps a paused one waiting until it goes on by itself, such as a full disk; null otherwise. */
  readonly waitsFor: ErrorData | null;
}

export interface QueueListing extends Pick<QueueState, 'paused' | 'pausedBy' | 'continueAfterError'> {
  /** What starts waiting runs now: an open studio, or `entail queue run`; null when nothing does. */
  readonly workedBy: 'studio' | 'command' | null;
  /** What trains now, of whichever process. */
  readonly running: readonly TrainingRun[];
  /** In the order in which they start; places count from 1. */
  readonly waiting: readonly (QueuedRun & { readonly place: number })[];
}

export interface StoredQueueSetting {
  readonly databases: Databases;
  readonly devices: DeviceService;
  readonly training: TrainingService;
}

export class StoredQueue {
  readonly #setting: StoredQueueSetting;
  readonly #preferences: QueuePreferences;

  constructor(setting: StoredQueueSetting) {
    this.#setting = setting;
    this.#preferences = new QueuePreferences(setting.databases);
  }

  /** @param blocks what waiting runs wait for beside their turn, by run: `blocks` tells it */
  show(blocks: ReadonlyMap<string, readonly DeviceBlock[]> = new Map()): QueueListing {
    const store = this.#store;
    return {
      ...this.#preferences.current(),
      workedBy: this.#workedBy(),
      running: runsInWork(store).map(({ id, devices }) => ({ ...trainingRun(findRun(store, id)), devices })),
      waiting: waitingRuns(store).map((run, at) => ({
        ...{ place: at + 1, id: run.id, name: run.name },
        ...{ dataset: run.config.dataset.name, engine: run.config.engine },
        ...{ devices: run.devices, waitsFor: blocks.get(run.id) ?? [], besidePrograms: run.besidePrograms },
        ...{ addedAtMs: run.createdAtMs, resumes: run.queuedFrom !== null },
      })),
    };
  }

  /** Which devices waiting runs wait for, and who has them. */
  async blocks(): Promise<ReadonlyMap<string, readonly DeviceBlock[]>> {
    const waiting = waitingRuns(this.#store);
    const purposes = new Set(waiting.map(({ id }) => purposeOfRun(id)));
    // Whoever works through the queue has places for them.
    const places = { ticketOf: () => null, owns: ({ purpose }: FoundTicket) => purposes.has(purpose) };
    const turns = await this.#setting.devices.turns(waiting, places);
    return new Map(turns.map(({ run, waitsFor }) => [run, waitsFor]));
  }

  /** The place of a waiting run, counted from 1; null for one that does not wait. */
  placeOf(runId: string): number | null {
    const at = waitingRuns(this.#store).findIndex(({ id }) => id === runId);
    return at === -1 ? null : at + 1;
  }

  /** Makes a run that waits. @throws StudioError what is wrong with the request. */
  async add(request: TrainRequest, end: 'front' | 'back'): Promise<string> {
    return await this.#setting.training.enqueue(request, placeAt(this.#store, end));
  }

  /** A paused queue starts nothing; what trains goes on. */
  pause(paused: boolean): QueueListing {
    this.#preferences.change({ paused, pausedBy: null });
    return this.show();
  }

  /** Puts a waiting run at a place, counted from 1; the last one when there are fewer. @throws StudioError NOT_FOUND, USAGE. */
  move(idOrPrefix: string, place: number): string {
    const { id } = findRun(this.#store, idOrPrefix);
    moveInQueue(this.#store, id, place - 1);
    return id;
  }

  /** A waiting run does not wait for programs any more. @throws StudioError NOT_FOUND, USAGE when it does not wait. */
  besidePrograms(idOrPrefix: string): string {
    return startBesidePrograms(this.#store, idOrPrefix);
  }

  /** As `takeOut`. */
  remove(idOrPrefix: string): ReturnType<typeof takeOut> {
    return takeOut(this.#setting.databases, idOrPrefix);
  }

  /** Works through the queue in this process, until `release`. @throws StudioError LOCKED while another one does. */
  work(): QueueWork {
    return new QueueWork({ ...this.#setting, preferences: this.#preferences });
  }

  get #store() {
    return this.#setting.databases.store();
  }

  #workedBy(): QueueListing['workedBy'] {
    const { root } = this.#setting.databases.places;
    if (isStudioOpen(root)) return 'studio';
    return isFileLocked(join(root, QUEUE_LOCK)) ? 'command' : null;
  }
}

function trainingRun(run: RunRecord): Omit<TrainingRun, 'devices'> {
  const { id, name, config, engine, state, progress, error } = run;
  return {
    ...{ id, name, dataset: config.dataset.name, engine: engine?.engine ?? config.engine },
    ...{ state, progress, waitsFor: state === 'paused' ? error : null },
  };
}
