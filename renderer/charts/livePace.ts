/**
 * @file Runs in the page. When live curves are drawn: all of the page together, twice a second, and less often when
 * that takes long, so that watching a run never takes more than a small share of a processor.
 */
import type { Client } from '../api/client.ts';

/** More is not seen, and costs. */
const LEAST_MS = 500;
const MOST_MS = 3000;
/** The pause after a drawing, as a multiple of what the drawing took. */
const REST = 15;

export class LivePace {
  readonly #due = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #pauseMs = LEAST_MS;

  /** Calls `draw` when it is time; once, however often it is asked for until then. */
  ask(draw: () => void): void {
    this.#due.add(draw);
    this.#timer ??= setTimeout(() => this.#draw(), this.#pauseMs);
  }

  forget(draw: () => void): void {
    this.#due.delete(draw);
  }

  #draw(): void {
    this.#timer = null;
    const beganMs = performance.now();
    const due = [...this.#due];
    this.#due.clear();
    for (const draw of due) draw();
    // What a frame takes is known when it is over.
    requestAnimationFrame(() =>
      setTimeout(() => {
        const tookMs = performance.now() - beganMs;
        this.#pauseMs = Math.min(MOST_MS, Math.max(LEAST_MS, tookMs * REST));
      }),
    );
  }
}

const paces = new WeakMap<Client, LivePace>();

/** The one pace of all curves that a client brings. */
export function paceOf(client: Client): LivePace {
  const pace = paces.get(client) ?? new LivePace();
  paces.set(client, pace);
  return pace;
}
