/** @file Runs under Node. Ctrl-C in two stages: the first asks a job to stop in good order, the second ends it at once. */

/**
 * One Ctrl-C can arrive more than once: from the terminal, from npm and from the launcher, each within
 * milliseconds. A person who means it twice takes longer than this.
 */
const ONE_PRESS_MS = 300;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The part of `process` that is used. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  removeListener(signal: NodeJS.Signals, listener: () => void): unknown;
}

export class Interruption {
  readonly #stop = new AbortController();
  readonly #kill = new AbortController();
  readonly #source: SignalSource;
  #pressedAtMs = Number.NEGATIVE_INFINITY;

  /** Listens from now on; `end()` gives the signals back. */
  constructor(source: SignalSource) {
    this.#source = source;
    for (const signal of SIGNALS) source.on(signal, this.#press);
  }

  /** Aborted by the first Ctrl-C: stop in good order, keep what is there. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborted by the second: end at once. */
  get kill(): AbortSignal {
    return this.#kill.signal;
  }

  end(): void {
    for (const signal of SIGNALS) this.#source.removeListener(signal, this.#press);
  }

  readonly #press = (): void => {
    const nowMs = performance.now();
    const samePress = nowMs - this.#pressedAtMs < ONE_PRESS_MS;
    this.#pressedAtMs = nowMs;
    if (!this.#stop.signal.aborted) this.#stop.abort();
    else if (!samePress) this.#kill.abort();
  };
}
