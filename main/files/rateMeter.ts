/** @file Node. How fast bytes have been coming in lately. */

const WINDOW_MS = 5000;

export class RateMeter {
  readonly #now: () => number;
  /** When, and how many bytes had come by then; the first entry is the start of the window. */
  #samples: { readonly atMs: number; readonly bytes: number }[];
  #bytes = 0;

  /** @param now a clock that never goes back, in ms */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#samples = [{ atMs: now(), bytes: 0 }];
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Mean over the last five seconds, or since the start; 0 before any time has passed. */
  bytesPerSecond(): number {
    const atMs = this.#now();
    this.#samples.push({ atMs, bytes: this.#bytes });
    const firstKept = this.#samples.findIndex((sample) => atMs - sample.atMs <= WINDOW_MS);
    this.#samples = this.#samples.slice(firstKept);
    const { atMs: startMs, bytes } = this.#samples[0]!;
    return atMs > startMs ? ((this.#bytes - bytes) / (atMs - startMs)) * 1000 : 0;
  }
}
