/** @file Benchmarks. The time that a run may take in all, and how much of it is left. */
export class Budget {
  readonly #totalMs: number;
  readonly #beganMs = performance.now();

  constructor(seconds: number) {
    this.#totalMs = seconds * 1000;
  }

  get leftMs(): number {
    return Math.max(0, this.#totalMs - (performance.now() - this.#beganMs));
  }

  get spentSeconds(): number {
    return (performance.now() - this.#beganMs) / 1000;
  }

  get isOver(): boolean {
    return this.leftMs === 0;
  }

  /** At most so long, and no longer than is left. */
  limitMs(wishMs: number): number {
    return Math.min(wishMs, this.leftMs);
  }

  /** At most this share of the whole, and no longer than is left. */
  shareMs(share: number): number {
    return Math.min(share * this.#totalMs, this.leftMs);
  }

  /** Until this share of the whole is spent: 0 when it is already. */
  untilShareMs(share: number): number {
    return Math.max(0, this.leftMs - (1 - share) * this.#totalMs);
  }
}
