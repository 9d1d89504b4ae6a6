/**
 * @file Runs in the page. The runs that wait, in the order that a person has just asked for; the studio's own order
 * follows a moment later, and nothing jumps back meanwhile.
 */
import type { QueuedRun } from '../../../shared/contract/queue.ts';
import type { StudioState } from '../../state/studio.svelte.ts';

/** How long after its answer the studio may take to tell of the new queue, by a tunnel and on a busy machine. */
const SETTLING_MS = 10_000;

export class QueueOrder {
  readonly #studio: StudioState;
  /** Ids as they were put; null when the studio's order is the one that counts. */
  #asked: readonly string[] | null = $state.raw(null);
  #latest = Promise.resolve();
  #settling: ReturnType<typeof setTimeout> | null = null;

  constructor(studio: StudioState) {
    this.#studio = studio;
  }

  readonly waiting: readonly QueuedRun[] = $derived.by(() => {
    const waiting = this.#studio.queue?.waiting ?? [];
    const asked = this.#asked;
    if (asked === null) return waiting;
    const byId = new Map(waiting.map((run) => [run.id, run]));
    const placed = asked.flatMap((id) => byId.get(id) ?? []);
    return [...placed, ...waiting.filter(({ id }) => !asked.includes(id))];
  });

  /** Hears what the studio tells, until the returned function is called. */
  follow(): () => void {
    const leave = this.#studio.listen(({ kind }) => {
      if (kind === 'queue') this.#settle();
    });
    return () => {
      leave();
      this.#stopSettling();
    };
  }

  /** `to` is counted from 0 among the others. Moves reach the studio one after the other, as they were made. */
  move(run: string, to: number): void {
    const others = this.waiting.map(({ id }) => id).filter((id) => id !== run);
    const asked = [...others.slice(0, to), run, ...others.slice(to)];
    this.#stopSettling();
    this.#asked = asked;
    this.#latest = this.#latest.then(() => this.#send(run, to, asked));
  }

  async #send(run: string, to: number, asked: readonly string[]): Promise<void> {
    try {
      await this.#studio.client.request('queue/move', { run, to });
      // Another move has been made meanwhile: its own answer comes.
      if (this.#asked !== asked) return;
      this.#settling = setTimeout(() => this.#forget(), SETTLING_MS);
      this.#settle();
    } catch (thrown) {
      this.#forget();
      this.#studio.toasts.fail(thrown);
    }
  }

  /** The last move is answered: the studio's order counts again as soon as it is the one that was asked for. */
  #settle(): void {
    const asked = this.#asked;
    if (this.#settling === null || asked === null) return;
    const told = (this.#studio.queue?.waiting ?? []).map(({ id }) => id);
    const isSame =
      asked.filter((id) => told.includes(id)).join() === told.filter((id) => asked.includes(id)).join();
    if (isSame) this.#forget();
  }

  #forget(): void {
    this.#stopSettling();
    this.#asked = null;
  }

  #stopSettling(): void {
    if (this.#settling !== null) clearTimeout(this.#settling);
    this.#settling = null;
  }
}
