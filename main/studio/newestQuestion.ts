/** @file Runs anywhere. Questions to something that answers one at a time: of those that wait, only the newest of a kind is kept. */
import { StudioError } from '../../shared/errors.ts';

interface Waiting {
  readonly work: () => Promise<void>;
  readonly overtaken: () => void;
}

export class NewestQuestion {
  readonly #waiting = new Map<string, Waiting>();
  #working: Promise<void> | null = null;

  /** @throws StudioError CANCELLED at once when a newer question of the kind comes while this one waits; what `work` throws. */
  ask<Answer>(kind: string, work: () => Promise<Answer>): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.get(kind)?.overtaken();
    this.#waiting.set(kind, {
      work: () => work().then(resolve, reject),
      overtaken: () =>
        reject(new StudioError('CANCELLED', 'A newer question came before this one was answered.')),
    });
    this.#goOn();
    return promise;
  }

  /** Settles when nothing is asked any more. */
  async settled(): Promise<void> {
    while (this.#working !== null) await this.#working;
  }

  #goOn(): void {
    if (this.#working !== null) return;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next[0]);
    this.#working = next[1].work().then(() => {
      this.#working = null;
      this.#goOn();
    });
  }
}
