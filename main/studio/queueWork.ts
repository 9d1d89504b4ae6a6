/**
 * @file Runs under Node. The queue worked through by a program that is no studio, one run a device, for as long as no
 * studio is open: that one then goes on with it.
 */
import { join } from 'node:path';
import type { DeviceBlock } from '../../shared/devices.ts';
import { StudioError } from '../../shared/errors.ts';
import type { RunState } from '../../shared/runs.ts';
import { waitingRuns } from '../db/queue.ts';
import { stateOf } from '../db/runState.ts';
import { acquireFileLock, type FileLock, readLockHolder } from '../files/fileLock.ts';
import type { RunningTraining } from './attempt.ts';
import { DevicePlaces } from './devicePlaces.ts';
import type { Placement } from './deviceTurns.ts';
import type { QueuePreferences } from './queuePreferences.ts';
import type { LaunchLinks } from './runStarts.ts';
import type { StoredQueueSetting } from './storedQueue.ts';
import { isStudioOpen } from './studioLock.ts';

export const QUEUE_LOCK = 'queue.lock';

export type NextInQueue =
  | { readonly kind: 'run'; readonly id: string; readonly epochs: number; readonly placement: Placement }
  /** What every run that waits needs is in use; of the first one. */
  | { readonly kind: 'busy'; readonly run: string; readonly waitsFor: readonly DeviceBlock[] }
  | { readonly kind: 'empty' }
  | { readonly kind: 'paused' }
  /** A studio is open now and starts what waits. */
  | { readonly kind: 'studio' };

export interface QueueWorkSetting extends StoredQueueSetting {
  readonly preferences: QueuePreferences;
}

export class QueueWork {
  readonly #setting: QueueWorkSetting;
  readonly #lock: FileLock;
  readonly #places = new DevicePlaces();

  constructor(setting: QueueWorkSetting) {
    this.#setting = setting;
    this.#lock = lockQueue(join(setting.databases.places.root, QUEUE_LOCK));
  }

  async next(): Promise<NextInQueue> {
    const next = await this.#look();
    if (next.kind !== 'run' && next.kind !== 'busy') this.#places.leave();
    return next;
  }

  async #look(): Promise<NextInQueue> {
    const { databases, devices, preferences } = this.#setting;
    const store = databases.store();
    // Before all else: a studio may have started the last one already.
    if (isStudioOpen(databases.places.root)) return { kind: 'studio' };
    const waiting = waitingRuns(store);
    if (waiting.length === 0) return { kind: 'empty' };
    if (preferences.current().paused) return { kind: 'paused' };
    const turns = await devices.turns(waiting, this.#places);
    await this.#places.keep(turns);
    const turn = turns.find(({ placement }) => placement !== null);
    if (turn === undefined || turn.placement === null)
      return { kind: 'busy', run: turns[0]!.run, waitsFor: turns[0]!.waitsFor };
    const { id, config } = waiting.find((run) => run.id === turn.run)!;
    return { kind: 'run', id, epochs: config.hyperparameters.epochs, placement: turn.placement };
  }

  /** @throws StudioError what keeps it from starting; `stateOf` tells whether that is the run's failure. */
  async launch(run: string, placement: Placement, links: LaunchLinks): Promise<RunningTraining> {
    return await this.#setting.training.launch(run, placement, links);
  }

  /** What has become of a run that did not finish; null when it is gone. */
  stateOf(run: string): RunState | null {
    return stateOf(this.#setting.databases.store(), run);
  }

  /** A run has failed: nothing more starts where a person wished so. */
  failed(run: string, message: string): void {
    const { preferences } = this.#setting;
    if (!preferences.current().continueAfterError)
      preferences.change({ paused: true, pausedBy: { run, message } });
  }

  release(): void {
    this.#places.leave();
    this.#lock.release();
  }
}

function lockQueue(path: string): FileLock {
  try {
    return acquireFileLock(path, { purpose: 'queue run' });
  } catch (thrown) {
    if (!(thrown instanceof StudioError) || thrown.code !== 'LOCKED') throw thrown;
    const holder = readLockHolder(path);
    const who = holder === null ? 'Another process' : `Process ${holder.pid}`;
    throw new StudioError('LOCKED', `${who} works through this queue already.`, {
      nextStep: 'Look how far it is: npx --no entail queue list',
    });
  }
}
