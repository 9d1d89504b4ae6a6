/** @file Runs under Node. The runs of `queue run` that train now, side by side where there are several devices, and how they end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { errorData } from '../../shared/errors.ts';
import type { NextInQueue, QueueWork } from '../studio/queueWork.ts';
import type { Work } from './command.ts';
import { tellFailure } from './failure.ts';
import { runScreen } from './runScreen.ts';
import { tellEnd, type Watching, watchRun } from './watchTraining.ts';

/** What has become of the runs that were started here. */
export interface Outcomes {
  readonly completed: string[];
  readonly stopped: string[];
  readonly failed: string[];
}

export function startedCount({ completed, stopped, failed }: Outcomes): number {
  return completed.length + stopped.length + failed.length;
}

type NextRun = Extract<NextInQueue, { kind: 'run' }>;

export class RunsTraining {
  readonly #work: Work;
  readonly #queueWork: QueueWork;
  readonly #outcomes: Outcomes;
  /** Why the queue cannot be worked on any further. */
  #failure: { readonly thrown: unknown } | null = null;
  /** The ends of those that train, by run; none rejects. */
  readonly #ends = new Map<string, Promise<void>>();

  constructor(work: Work, queueWork: QueueWork, outcomes: Outcomes) {
    this.#work = work;
    this.#queueWork = queueWork;
    this.#outcomes = outcomes;
  }

  get isEmpty(): boolean {
    return this.#ends.size === 0;
  }

  /** Settled once the run trains, or has ended before. @throws what keeps the queue from being worked on. */
  async begin(next: NextRun): Promise<void> {
    const { promise: trains, resolve } = Promise.withResolvers<void>();
    const end = this.#train(next, resolve)
      .catch((thrown: unknown) => {
        this.#failure ??= { thrown };
      })
      .finally(() => this.#ends.delete(next.id));
    this.#ends.set(next.id, end);
    await Promise.race([trains, end]);
    this.#rethrow();
  }

  /** Waits until one of them has ended, but not long: others may be added meanwhile. @throws as `begin`. */
  async change(mostMs: number): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#work.interruption.stop]);
    const late = sleep(mostMs, undefined, { signal }).catch(() => {});
    try {
      await Promise.race([late, ...this.#ends.values()]);
    } finally {
      over.abort();
    }
    this.#rethrow();
  }

  /** @throws as `begin`, when all have ended. */
  async end(): Promise<void> {
    await Promise.all(this.#ends.values());
    this.#rethrow();
  }

  #rethrow(): void {
    if (this.#failure !== null) throw this.#failure.thrown;
  }

  async #train({ id, epochs, placement }: NextRun, trains: () => void): Promise<void> {
    const { interruption, terminal } = this.#work;
    if (startedCount(this.#outcomes) > 0 || this.#ends.size > 0) terminal.line();
    const screen = runScreen(terminal, id, () => this.#ends.size > 1);
    try {
      const watched = await watchRun({ terminal: screen, interruption }, { epochs }, async (listener) => {
        const links = { listener, signal: interruption.stop };
        const training = await this.#queueWork.launch(id, placement, links);
        trains();
        return training;
      });
      this.#tellEnd({ terminal: screen, interruption }, id, watched);
    } catch (thrown) {
      this.#takeFailure(id, thrown);
    }
  }

  #tellEnd(watching: Watching, id: string, watched: Awaited<ReturnType<typeof watchRun>>): void {
    const { end, device } = watched;
    // Ctrl-C while it waited for room on the disk: it waits as before.
    if (end.outcome === 'stopped' && this.#queueWork.stateOf(id) === 'queued') return;
    tellEnd(watching, watched);
    if (end.outcome === 'stopped') this.#outcomes.stopped.push(id);
    else {
      this.#outcomes.completed.push(id);
      watching.terminal.event('result', { runId: id, ...end.result, device });
    }
  }

  /** What ended one run does not end the others, unless it was this person, or the queue itself cannot be worked on. */
  #takeFailure(id: string, thrown: unknown): void {
    const { terminal, interruption } = this.#work;
    const state = this.#queueWork.stateOf(id);
    // Ctrl-C before it had begun: it waits as before. So does one whose device another process was quicker to take.
    const isBusy = errorData(thrown).code === 'LOCKED';
    if ((interruption.stop.aborted || isBusy) && state === 'queued') return;
    if (interruption.stop.aborted || state === 'queued') throw thrown;
    // Taken out, or started by another process, between looking and starting.
    if (state !== 'failed' && state !== 'interrupted') return;
    tellFailure(terminal, thrown);
    this.#outcomes.failed.push(id);
    if (state === 'failed') this.#queueWork.failed(id, errorData(thrown).message);
  }
}
