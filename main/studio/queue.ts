/**
 * @file Runs under Node. The queue at work: starts waiting runs, one a device, in their order; stops, pauses and goes on
 * with them. Everything about it is in studio.db, so that it survives the studio.
 */
import type { RunRequest } from '../../shared/contract/inputs.ts';
import type { QueueState } from '../../shared/contract/queue.ts';
import { errorData, StudioError } from '../../shared/errors.ts';
import type { RunState } from '../../shared/runs.ts';
import { holderOf, interruptOrphans } from '../db/lease.ts';
import { leaveQueue, moveInQueue, placeAt, startBesidePrograms, waitingRuns } from '../db/queue.ts';
import { requestOfRun } from '../db/runRequests.ts';
import { stateOf } from '../db/runState.ts';
import { findRun } from '../db/runs.ts';
import type { RunningTraining } from './attempt.ts';
import type { Placement } from './deviceTurns.ts';
import type { HostContext, RunControl } from './hosting.ts';
import { QueueNews } from './queueNews.ts';
import { QueuePreferences } from './queuePreferences.ts';
import { queueState } from './queueState.ts';
import { QueueTurns } from './queueTurns.ts';
import { RunAnnouncer } from './runAnnouncer.ts';

export type QueueSetting = Pick<
  HostContext,
  'databases' | 'deletions' | 'devices' | 'platform' | 'publish' | 'runIndex' | 'settings' | 'training'
>;

/** Other processes come and go without telling. */
const LOOK_EVERY_MS = 2000;
/** Closing gives a run this long for its last step and its checkpoint. */
const CLOSING_MS = 60_000;

export class QueueService implements RunControl {
  readonly #setting: QueueSetting;
  readonly #preferences: QueuePreferences;
  readonly #announcer: RunAnnouncer;
  readonly #news: QueueNews;
  /** Runs that this process trains, by id; null while one is being started. */
  readonly #here = new Map<string, RunningTraining | null>();
  readonly #turns: QueueTurns;
  readonly #ends = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | null = null;
  readonly #closing = new AbortController();
  #starting = Promise.resolve();

  constructor(setting: QueueSetting) {
    this.#setting = setting;
    this.#preferences = new QueuePreferences(setting.databases);
    this.#announcer = new RunAnnouncer(setting);
    this.#news = new QueueNews(() => this.show(), setting.publish);
    this.#turns = new QueueTurns({
      ...setting,
      preferences: this.#preferences,
      onBlocks: () => this.#news.tellIfChanged(),
    });
  }

  /** From now on waiting runs are started. */
  open(): void {
    this.#timer ??= setInterval(() => this.look(), LOOK_EVERY_MS);
    this.look();
  }

  isBusy(): boolean {
    return this.#here.size > 0;
  }

  /** True for a run that this process trains. */
  trains(run: string): boolean {
    return this.#here.has(run);
  }

  show(): QueueState {
    const { databases, runIndex } = this.#setting;
    return queueState(databases.store(), this.#preferences.current(), {
      isHidden: (run) => runIndex.isHidden(run),
      isHere: (run) => this.#here.has(run),
      waitsFor: (run) => this.#turns.blocksOf(run),
    });
  }

  /** @throws StudioError what is wrong with one of the requests; those before it are in the queue then. */
  async add(requests: readonly RunRequest[], end: 'front' | 'back'): Promise<string[]> {
    const { training, databases } = this.#setting;
    const ids: string[] = [];
    try {
      // At the front the last one is put there first, so that they start in the order given.
      for (const request of end === 'front' ? requests.toReversed() : requests)
        ids.push(await training.enqueue(request, placeAt(databases.store(), end)));
    } finally {
      this.#changed(ids);
    }
    return end === 'front' ? ids.reverse() : ids;
  }

  move(run: string, to: number): QueueState {
    const { databases, runIndex } = this.#setting;
    moveInQueue(databases.store(), run, to, (id) => !runIndex.isHidden(id));
    return this.#changed([run]);
  }

  /** A new run is deleted (with time to think again), one that was to go on is what it was. */
  remove(run: string): QueueState {
    const { databases, deletions } = this.#setting;
    const waiting = waitingRuns(databases.store()).find(({ id }) => id === run);
    if (waiting?.queuedFrom === null) deletions.delete([run]);
    else leaveQueue(databases.store(), run);
    return this.#changed([run]);
  }

  /** A waiting run starts beside a program that is no Entail, rather than wait for it. */
  besidePrograms(run: string): QueueState {
    return this.#changed([startBesidePrograms(this.#setting.databases.store(), run)]);
  }

  pauseQueue(paused: boolean): QueueState {
    this.#preferences.change({ paused, pausedBy: null });
    return this.#changed([]);
  }

  setContinueAfterError(continueAfterError: boolean): QueueState {
    this.#preferences.change({ continueAfterError });
    return this.#changed([]);
  }

  async stop(run: string, how: 'keep' | 'now'): Promise<void> {
    const training = this.#trainingOf(run);
    if (training === null) this.#ask(run, how);
    else if (how === 'now') training.kill();
    else training.stop(true);
  }

  async pause(run: string): Promise<void> {
    const training = this.#trainingOf(run);
    if (training === null) this.#ask(run, 'pause');
    else training.pause();
  }

  async resume(run: string, microBatchTokens?: number): Promise<void> {
    const store = this.#setting.databases.store();
    const { id, state } = findRun(store, run);
    if (state === 'stopping') throw new StudioError('USAGE', `Run ${id} is stopping; it goes on afterwards.`);
    const training = this.#trainingOf(id);
    // Whoever trains it knows whether it waits; the stored state lags behind a pause that has just been asked for.
    if (training !== null) training.continue();
    else if (this.#isInWork(id)) this.#ask(id, 'continue');
    else {
      this.#setting.training.queueAgain(id, { microBatchTokens });
      this.#changed([id]);
    }
  }

  async discard(run: string): Promise<{ undoableUntilMs: number }> {
    const { databases, deletions } = this.#setting;
    const { id } = findRun(databases.store(), run);
    const training = this.#trainingOf(id);
    if (training !== null) {
      training.kill();
      await training.done.catch(() => {});
    }
    return deletions.delete([id]);
  }

  /** Another program has written into studio.db: pages are told of the queue when it is not as they know it. */
  lookAround(): void {
    this.#news.tellIfChanged();
    this.look();
  }

  /** Starts what can be started; cheap when there is nothing to do. */
  look(): void {
    if (this.#closing.signal.aborted) return;
    this.#starting = this.#starting
      .then(() => this.#startWaiting())
      .catch((thrown: unknown) => this.#news.tellTrouble(thrown));
  }

  /** Runs that train are stopped in good order; they go on when somebody resumes them. */
  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#starting;
    this.#turns.close();
    for (const training of this.#here.values()) training?.stop();
    const patience = setTimeout(() => {
      for (const training of this.#here.values()) training?.kill();
    }, CLOSING_MS);
    await Promise.all(this.#ends);
    clearTimeout(patience);
  }

  async #startWaiting(): Promise<void> {
    const store = this.#setting.databases.store();
    const orphans = interruptOrphans(store);
    if (orphans.length > 0) this.#changed(orphans);
    const tried = new Set<string>();
    while (!this.#closing.signal.aborted) {
      // Asked again after each, for one that could not start may have paused the queue.
      const next = await this.#turns.next(tried);
      if (next === null) return;
      tried.add(next.run);
      await this.#start(next.run, next.placement);
    }
  }

  async #start(run: string, placement: Placement): Promise<void> {
    const { databases, training, platform } = this.#setting;
    this.#here.set(run, null);
    platform.keepAwake(true);
    let started: RunningTraining;
    try {
      const listener = this.#announcer.listenerOf(run, () => this.#news.tellIfChanged());
      started = await training.launch(run, placement, { listener, signal: this.#closing.signal });
    } catch (thrown) {
      const state = stateOf(databases.store(), run);
      if (state === 'failed') this.#ended(run, state, thrown);
      else this.#notStarted(run, state === 'queued' && !isLocked(thrown) ? thrown : null);
      return;
    }
    this.#here.set(run, started);
    this.#news.tellTrouble(null);
    this.#changed([run]);
    const end = started.done
      .then(
        ({ outcome }) => this.#ended(run, outcome === 'finished' ? 'completed' : 'stopped', null),
        (thrown: unknown) =>
          this.#ended(run, errorData(thrown).code === 'INTERRUPTED' ? 'interrupted' : 'failed', thrown),
      )
      // What cannot be stored or told must not take the studio with it.
      .catch((thrown: unknown) => this.#news.tellTrouble(thrown));
    this.#ends.add(end);
    void end.then(() => this.#ends.delete(end));
  }

  /** Another program has it or its device (null), or it cannot be claimed (a full disk): tried again by the timer, not at once. */
  #notStarted(run: string, trouble: unknown): void {
    this.#leave(run);
    if (trouble !== null && !this.#closing.signal.aborted) this.#news.tellTrouble(trouble);
  }

  #leave(run: string): void {
    this.#here.delete(run);
    if (this.#here.size === 0) this.#setting.platform.keepAwake(false);
  }

  #ended(run: string, state: RunState, thrown: unknown): void {
    this.#leave(run);
    this.#news.tellTrouble(null);
    this.#announcer.ended(run, state);
    if (state === 'failed' && !this.#preferences.current().continueAfterError) {
      this.#preferences.change({ paused: true, pausedBy: { run, message: errorData(thrown).message } });
    }
    this.#changed([run]);
  }

  #trainingOf(run: string): RunningTraining | null {
    const id = findRun(this.#setting.databases.store(), run).id;
    return this.#here.get(id) ?? null;
  }

  /** Asks the process that trains the run. @throws StudioError USAGE when none does. */
  #ask(run: string, kind: 'keep' | 'now' | 'pause' | 'continue'): void {
    const store = this.#setting.databases.store();
    const { id, state } = findRun(store, run);
    if (this.#isInWork(id)) {
      requestOfRun(store, id, kind);
      return;
    }
    throw new StudioError('USAGE', `Run ${id} does not train; it is ${state}.`, {
      nextStep: 'Look at it again: it has changed.',
    });
  }

  /** In this process or another one. */
  #isInWork(id: string): boolean {
    return this.#here.has(id) || holderOf(this.#setting.databases.store(), id) !== null;
  }

  #changed(runs: readonly string[]): QueueState {
    this.#setting.runIndex.touch(runs);
    const queue = this.#news.tell(runs);
    this.look();
    return queue;
  }
}

const isLocked = (thrown: unknown): boolean => errorData(thrown).code === 'LOCKED';
