/** @file Runs under Node. What pages are told of the queue: how it stands when that has changed, and what keeps it from starting runs. */
import type { StudioEvent } from '../../shared/contract/events.ts';
import type { QueueState } from '../../shared/contract/queue.ts';
import { errorData } from '../../shared/errors.ts';

export class QueueNews {
  readonly #show: () => QueueState;
  readonly #publish: (events: readonly StudioEvent[]) => void;
  /** The queue that pages know of, as JSON. */
  #told = '';
  #troubled = false;

  constructor(show: () => QueueState, publish: (events: readonly StudioEvent[]) => void) {
    this.#show = show;
    this.#publish = publish;
  }

  /** With the runs that have changed. */
  tell(runs: readonly string[]): QueueState {
    const queue = this.#show();
    this.#tellOf(queue, runs.length === 0 ? [] : [{ kind: 'runs', ids: runs }]);
    return queue;
  }

  tellIfChanged(): void {
    const queue = this.#show();
    if (JSON.stringify(queue) !== this.#told) this.#tellOf(queue, []);
  }

  /** What keeps runs from being started; null takes back what was told before. */
  tellTrouble(thrown: unknown): void {
    if (thrown === null && !this.#troubled) return;
    this.#troubled = thrown !== null;
    const { message, nextStep } = thrown === null ? { message: '', nextStep: '' } : errorData(thrown);
    const text = `${message} ${nextStep}`.trim();
    this.#publish([{ kind: 'notice', id: 'queue', level: 'warning', text }]);
  }

  #tellOf(queue: QueueState, before: readonly StudioEvent[]): void {
    this.#told = JSON.stringify(queue);
    this.#publish([...before, { kind: 'queue', queue }]);
  }
}
