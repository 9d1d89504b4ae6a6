/** @file Runs in the page under Electron. The transport over the two functions that the preload script exposes. */
import type { EventBatch } from '../../shared/contract/events.ts';
import type { Result } from '../../shared/contract/route.ts';
import { errorData } from '../../shared/errors.ts';
import { StatusLight } from './statusLight.ts';
import type { Transport } from './transport.ts';

/** What main/desktop/preload.cts puts on `window.studio`. */
export interface StudioBridge {
  request(route: string, input: unknown): Promise<Result<unknown>>;
  /** Null is "from now on". Returns how to leave. */
  subscribe(cursor: string | null, listener: (batch: EventBatch) => void): () => void;
}

export class BridgeTransport implements Transport {
  readonly #bridge: StudioBridge;
  readonly #light = new StatusLight('open');
  readonly #listeners = new Set<(batch: EventBatch) => void>();
  #subscribed = false;

  constructor(bridge: StudioBridge) {
    this.#bridge = bridge;
  }

  get status() {
    return this.#light.status;
  }

  onStatus(listener: Parameters<Transport['onStatus']>[0]): () => void {
    return this.#light.listen(listener);
  }

  async request(route: string, input: unknown): Promise<Result<unknown>> {
    try {
      return await this.#bridge.request(route, input);
    } catch (thrown) {
      // Electron refuses what cannot be cloned before anything is sent.
      return { ok: false, error: errorData(thrown) };
    }
  }

  subscribe(listener: (batch: EventBatch) => void): () => void {
    this.#listeners.add(listener);
    // The bridge has one stream a page, as the loopback transport has: one listener that leaves must not end it for all.
    if (!this.#subscribed) {
      this.#subscribed = true;
      this.#bridge.subscribe(null, (batch) => {
        for (const hear of [...this.#listeners]) hear(batch);
      });
    }
    return () => void this.#listeners.delete(listener);
  }
}
