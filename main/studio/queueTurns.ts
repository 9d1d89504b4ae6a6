/** @file Runs under Node. Whose turn it is in the queue of this process, and what the others wait for. */
import type { DeviceBlock } from '../../shared/devices.ts';
import { waitingRuns } from '../db/queue.ts';
import { DevicePlaces } from './devicePlaces.ts';
import type { Placement } from './deviceTurns.ts';
import type { HostContext } from './hosting.ts';
import type { QueuePreferences } from './queuePreferences.ts';

export interface TurnOfRun {
  readonly run: string;
  readonly placement: Placement;
}

interface QueueTurnsSetting extends Pick<HostContext, 'databases' | 'devices' | 'runIndex'> {
  readonly preferences: QueuePreferences;
  /** It is known anew what waiting runs wait for. */
  readonly onBlocks: () => void;
}

export class QueueTurns {
  readonly #setting: QueueTurnsSetting;
  readonly #places = new DevicePlaces();
  #blocks: ReadonlyMap<string, readonly DeviceBlock[]> = new Map();

  constructor(setting: QueueTurnsSetting) {
    this.#setting = setting;
  }

  /** What a waiting run waits for beside its turn, as it was seen last. */
  blocksOf(run: string): readonly DeviceBlock[] {
    return this.#blocks.get(run) ?? [];
  }

  /** The first run that may start now, of those that were not `tried`; null when none may. */
  async next(tried: ReadonlySet<string>): Promise<TurnOfRun | null> {
    const { devices, preferences, onBlocks } = this.#setting;
    const waiting = this.#waiting(tried);
    if (waiting.length === 0 || preferences.current().paused) {
      await this.#places.keep([], preferences.current().paused ? new Set() : tried);
      return null;
    }
    const turns = await devices.turns(waiting, this.#places);
    await this.#places.keep(turns, tried);
    this.#blocks = new Map(turns.map(({ run, waitsFor }) => [run, waitsFor]));
    onBlocks();
    // One may have been taken out, or the queue paused, meanwhile.
    if (preferences.current().paused) return null;
    const stillWaits = new Set(this.#waiting(tried).map(({ id }) => id));
    for (const { run, placement } of turns)
      if (placement !== null && stillWaits.has(run)) return { run, placement };
    return null;
  }

  /** Whoever waits behind these runs in another queue need not any more. */
  close(): void {
    this.#places.leave();
  }

  #waiting(tried: ReadonlySet<string>) {
    const { databases, runIndex } = this.#setting;
    return waitingRuns(databases.store()).filter(({ id }) => !tried.has(id) && !runIndex.isHidden(id));
  }
}
