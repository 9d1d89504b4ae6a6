/** @file Runs in the page. One model that is asked while somebody types: the newest question counts. */
import type { Answer } from '../../../shared/contract/models.ts';
import { errorData } from '../../../shared/errors.ts';
import type { StudioState } from '../../state/studio.svelte.ts';

export interface Asked {
  readonly premise: string;
  readonly hypothesis: string | null;
}

/** Between two keys; the answer itself takes a few milliseconds. */
const WAIT_MS = 40;

export class Asking {
  readonly #studio: StudioState;
  run: string | null = $state(null);
  answer: Answer | null = $state.raw(null);
  error: unknown = $state.raw(null);
  waiting = $state(false);
  #number = 0;

  constructor(studio: StudioState) {
    this.#studio = studio;
  }

  /** For an effect: asks after a moment, unless something else is asked before. */
  ask({ premise, hypothesis }: Asked): () => void {
    const { run } = this;
    const timer = setTimeout(() => {
      if (run !== null) void this.#ask(run, { premise, hypothesis });
      else this.answer = null;
    }, WAIT_MS);
    return () => clearTimeout(timer);
  }

  async #ask(run: string, asked: Asked): Promise<void> {
    const number = ++this.#number;
    if (asked.premise.trim() === '' || asked.hypothesis?.trim() === '') {
      this.answer = null;
      this.error = null;
      return;
    }
    this.waiting = true;
    try {
      const answer = await this.#studio.client.request('playground/answer', { run, ...asked });
      if (number !== this.#number) return;
      this.answer = answer;
      this.error = null;
    } catch (thrown) {
      // Overtaken by a newer question, perhaps of another tab: that one's answer counts.
      if (number === this.#number && errorData(thrown).code !== 'CANCELLED') this.error = thrown;
    } finally {
      if (number === this.#number) this.waiting = false;
    }
  }
}
