/**
 * @file Runs in the page. The runs that wait, in the order that a person has just asked for; the studio's own order
 * follows a moment later, and nothing jumps back meanwhile.
 */
import type { QueuedRun } from '../../../shared/contract/queue.ts';
import type { StudioState } from '../../state/studio.svelte.ts';

/** The studio tells of the new queue within a tenth of a second of its answer; a tunnel may take longer. */
const SETTLING_MS = 500;

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

  /** `to` is counted from 0 among the others. Moves reach the studio one after the other, as they were made. */
  move(run: string, to: number): void {
    const others = this.waiting.map(({ id }) => id).filter((id) => id !== run);
    const asked = [...others.slice(0, to), run, ...others.slice(to)];
    if (this.#settling !== null) clearTimeout(this.#settling);
    this.#asked = asked;
    this.#latest = this.#latest.then(() => this.#send(run, to, asked));
  }

  async #send(run: string, to: number, asked: readonly string[]): Promise<void> {
    try {
      await this.#studio.client.request('queue/move', { run, to });
      if (this.#asked === asked) this.#settling = setTimeout(() => (this.#asked = null), SETTLING_MS);
    } catch (thrown) {
      this.#asked = null;
      this.#studio.toasts.fail(thrown);
    }
  }
}
