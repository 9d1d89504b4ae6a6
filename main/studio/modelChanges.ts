/** @file Runs under Node. Tells pages that imported models came or went, by this process or another. */
import { statSync } from 'node:fs';
import type { StudioEvent } from '../../shared/contract/events.ts';

export class ModelChanges {
  readonly #store: string;
  readonly #publish: (events: readonly StudioEvent[]) => void;
  #seenMs: number | null;

  /** @param store the folder of all models; its time changes with every name in it */
  constructor(store: string, publish: (events: readonly StudioEvent[]) => void) {
    this.#store = store;
    this.#publish = publish;
    this.#seenMs = this.#changedMs();
  }

  /** Something changed here. */
  tell(): void {
    this.#seenMs = this.#changedMs();
    this.#publish([{ kind: 'importedModels' }]);
  }

  /** Cheap while nothing changes. */
  look(): void {
    if (this.#changedMs() !== this.#seenMs) this.tell();
  }

  #changedMs(): number | null {
    return statSync(this.#store, { throwIfNoEntry: false })?.mtimeMs ?? null;
  }
}
