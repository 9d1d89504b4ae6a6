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
    return this.#bridge.subscribe(null, listener);
  }
}
