/**
 * @file Runs under Node. A run that cannot begin because the disk is full: it waits, says so, and begins when there is room,
 * as one does that finds no room for a checkpoint. Whoever launched it holds a training like any other.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { errorData, isDiskFull, type StudioError } from '../../shared/errors.ts';
import type { Lease } from '../db/lease.ts';
import { giveBack, type WaitingRun } from '../db/queue.ts';
import { failRun, setState } from '../db/runState.ts';
import { freeBytes } from '../files/disk.ts';
import { obey, type RunningTraining, type TrainingEnd, type TrainingListener } from './attempt.ts';
import type { Databases } from './databases.ts';
import { ReportSink } from './reportSink.ts';

export interface RoomWaiting {
  readonly databases: Databases;
  /** Its place in the queue, where it goes back to when this process ends before it has begun. */
  readonly waiting: WaitingRun;
  readonly lease: Lease;
  readonly listener: TrainingListener;
  /** What the first try ended with. */
  readonly full: StudioError;
  /** Another try. @throws StudioError DISK_FULL, or what fails the run; anything once `signal` is aborted. */
  readonly start: (signal: AbortSignal) => Promise<RunningTraining>;
  /** This process ends. */
  readonly signal: AbortSignal | undefined;
}

const LOOK_EVERY_MS = 1000;
/** A try fills the disk up again, to the harm of others: it takes more room than there was, … */
const MORE_BYTES = 256 * 1024;
/** … or this long, for quotas and network disks that do not tell how much is free. */
const TRY_EVERY_MS = 60_000;

export class RoomWait implements RunningTraining {
  readonly runId: string;
  readonly done: Promise<TrainingEnd>;
  readonly #setting: RoomWaiting;
  readonly #sink: ReportSink;
  readonly #stopped = new AbortController();
  readonly #over: AbortSignal;
  #training: RunningTraining | null = null;
  #isKilled = false;
  #isPaused = false;
  #triesAtOnce = false;

  constructor(setting: RoomWaiting) {
    const { databases, waiting, listener, signal } = setting;
    this.runId = waiting.id;
    this.#setting = setting;
    this.#sink = new ReportSink(databases.store(), waiting.id, listener.onReports, listener.onTrouble);
    this.#over = AbortSignal.any([this.#stopped.signal, ...(signal === undefined ? [] : [signal])]);
    this.done = this.#work();
  }

  stop(keep?: boolean): void {
    if (this.#training === null) this.#stopped.abort();
    else this.#training.stop(keep);
  }

  kill(): void {
    this.#isKilled = true;
    if (this.#training === null) this.#stopped.abort();
    else this.#training.kill();
  }

  /** It waits already; asked for now, it waits once more when it has begun. */
  pause(): void {
    this.#isPaused = true;
    this.#training?.pause();
  }

  continue(): void {
    this.#isPaused = false;
    this.#triesAtOnce = true;
    this.#training?.continue();
  }

  async #work(): Promise<TrainingEnd> {
    const { databases, lease, full, listener } = this.#setting;
    const text =
      'The disk is full: the run waits, and begins by itself when there is room for its encoded pairs.';
    this.#sink.take([
      { kind: 'log', level: 'warning', text },
      { kind: 'paused', step: 0, waitsFor: full.toData() },
    ]);
    let training: RunningTraining | null;
    try {
      training = await this.#begun();
    } catch (thrown) {
      this.#sink.attempt(() => failRun(databases.store(), this.runId, errorData(thrown)));
      this.#sink.attempt(() => lease.release());
      throw thrown;
    }
    if (training === null) return await this.#end();
    this.#training = training;
    // Before the worker's first message, which comes in a later turn.
    this.#sink.take([]);
    this.#sink.attempt(() => setState(databases.store(), this.runId, 'preparing'));
    listener.onReports([]);
    if (this.#isPaused) training.pause();
    if (this.#stopped.signal.aborted) training.stop();
    return await training.done;
  }

  /** Tries whenever there is more room; null when it was stopped before it could begin. */
  async #begun(): Promise<RunningTraining | null> {
    while (await this.#hasRoom()) {
      try {
        return await this.#setting.start(this.#over);
      } catch (thrown) {
        if (!isDiskFull(thrown) && !this.#over.aborted) throw thrown;
      }
    }
    return null;
  }

  /** Waits for room worth a try, and hears what other processes ask; false when it was stopped. */
  async #hasRoom(): Promise<boolean> {
    const { databases, lease } = this.#setting;
    const { root } = databases.places;
    const tried = freeBytes(root);
    const sinceMs = performance.now();
    while (!this.#over.aborted) {
      const isLong = performance.now() - sinceMs >= TRY_EVERY_MS;
      if (this.#triesAtOnce || isLong || freeBytes(root) >= tried + MORE_BYTES) {
        this.#triesAtOnce = false;
        return true;
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal: this.#over }).catch(() => {});
      const stores =
        this.#sink.take([]) &&
        this.#sink.attempt(() => lease.heartbeat()) &&
        this.#sink.attempt(() => obey(this, databases));
      // Nothing can ever be stored again, as when another process has taken the run.
      if (!stores) this.#sink.finish();
    }
    return false;
  }

  /** Stopped before it began: by a person, who may resume it, or because this process ends, when it waits as before. */
  async #end(): Promise<TrainingEnd> {
    const { databases, waiting, lease, signal } = this.#setting;
    if (signal?.aborted === true) this.#sink.attempt(() => giveBack(databases.store(), waiting));
    else {
      this.#sink.take([{ kind: 'stopped', step: 0 }]);
      await this.#sink.finishPatiently(() => this.#isKilled);
    }
    this.#sink.attempt(() => lease.release());
    return { outcome: 'stopped', step: 0, result: null };
  }
}
