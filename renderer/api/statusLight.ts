/** @file Runs in the page. The state of a connection, told to whoever listens. */
import type { ConnectionStatus } from './transport.ts';

export class StatusLight {
  #status: ConnectionStatus;
  readonly #listeners = new Set<(status: ConnectionStatus) => void>();

  constructor(first: ConnectionStatus = 'connecting') {
    this.#status = first;
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  set(status: ConnectionStatus): void {
    if (status === this.#status) return;
    this.#status = status;
    for (const listener of [...this.#listeners]) listener(status);
  }

  /** Called now and at every change. */
  listen(listener: (status: ConnectionStatus) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#status);
    return () => void this.#listeners.delete(listener);
  }
}
