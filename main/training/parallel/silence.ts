/** @file Runs in training workers. How long a partner has not answered, as far as this process was there to hear it. */

/** Whoever waits looks several times a second; between two looks farther apart the whole computer slept, or was stopped. */
const MOST_BETWEEN_LOOKS_MS = 1000;

export class Silence {
  #lookedAtMs: number;
  #heardMs = 0;

  constructor(nowMs = performance.now()) {
    this.#lookedAtMs = nowMs;
  }

  /** To be asked again and again. */
  isLongerThan(limitMs: number, nowMs = performance.now()): boolean {
    this.#heardMs += Math.min(nowMs - this.#lookedAtMs, MOST_BETWEEN_LOOKS_MS);
    this.#lookedAtMs = nowMs;
    return this.#heardMs > limitMs;
  }
}
