/**
 * @file Runs under Node. Deleting runs with ten seconds to think again: gone for every page at once, gone from the disk
 * when the time is over. A crash in between leaves them as they were.
 */
import type { StudioEvent } from '../../shared/contract/events.ts';
import { errorData, StudioError } from '../../shared/errors.ts';
import { runSize } from '../db/deleteRun.ts';
import { holderOf } from '../db/lease.ts';
import { findRun } from '../db/runs.ts';
import type { Databases } from './databases.ts';
import type { RunIndex } from './runIndex.ts';
import type { RunService } from './runs.ts';

const UNDO_MS = 10_000;

export interface DeletionsSetting {
  readonly databases: Databases;
  readonly runs: RunService;
  readonly runIndex: RunIndex;
  readonly publish: (events: readonly StudioEvent[]) => void;
  /** Shorter ones are for tests. */
  readonly undoMs?: number;
}

export class Deletions {
  readonly #setting: DeletionsSetting;
  readonly #undoMs: number;
  readonly #pending = new Map<string, NodeJS.Timeout>();

  constructor(setting: DeletionsSetting) {
    this.#setting = setting;
    this.#undoMs = setting.undoMs ?? UNDO_MS;
  }

  /** @throws StudioError NOT_FOUND; LOCKED when a process works on one of them. Then none is deleted. */
  delete(idsOrPrefixes: readonly string[]): { freedBytes: number; undoableUntilMs: number } {
    const { databases, runIndex, publish } = this.#setting;
    const store = databases.store();
    const ids = [...new Set(idsOrPrefixes.map((id) => findRun(store, id).id))];
    let freedBytes = 0;
    for (const id of ids) {
      const holder = holderOf(store, id);
      if (holder !== null) throw stillWorkedOn(id, holder.pid);
      const size = runSize(store, id);
      freedBytes += size.checkpointBytes + size.databaseBytes;
    }
    for (const id of ids) {
      clearTimeout(this.#pending.get(id));
      this.#pending.set(
        id,
        setTimeout(() => this.#carryOut(id), this.#undoMs),
      );
    }
    runIndex.hide(ids, true);
    publish([{ kind: 'runsDeleted', ids }]);
    return { freedBytes, undoableUntilMs: Date.now() + this.#undoMs };
  }

  /** @throws StudioError NOT_FOUND when one of them is gone for good. */
  restore(ids: readonly string[]): void {
    const gone = ids.find((id) => !this.#pending.has(id));
    if (gone !== undefined) {
      throw new StudioError('NOT_FOUND', `Run ${gone} is deleted for good.`, {
        nextStep: 'The other runs of the list are as they were.',
      });
    }
    for (const id of ids) {
      clearTimeout(this.#pending.get(id));
      this.#pending.delete(id);
    }
    this.#setting.runIndex.hide(ids, false);
    this.#setting.publish([{ kind: 'runs', ids }]);
  }

  isPending(id: string): boolean {
    return this.#pending.has(id);
  }

  /** What was asked for is done before the studio ends. */
  close(): void {
    for (const [id, timer] of [...this.#pending]) {
      clearTimeout(timer);
      this.#carryOut(id);
    }
  }

  #carryOut(id: string): void {
    const { runs, runIndex, publish } = this.#setting;
    this.#pending.delete(id);
    try {
      runs.delete(id);
      runIndex.touch([id]);
    } catch (thrown) {
      // It stays, and a person is told: nothing is half deleted, because the row goes first.
      runIndex.touch([id]);
      runIndex.hide([id], false);
      const text = `Run ${id} could not be deleted: ${errorData(thrown).message}`;
      publish([
        { kind: 'runs', ids: [id] },
        { kind: 'notice', id: `delete ${id}`, level: 'warning', text },
      ]);
      return;
    }
    runIndex.hide([id], false);
  }
}

function stillWorkedOn(run: string, pid: number): StudioError {
  return new StudioError('LOCKED', `Run ${run} is being worked on (process ${pid}).`, {
    nextStep: 'Stop it first.',
  });
}
