/** @file Runs in the page. What carries calls and events between page and studio: two verbs, on any host. */
import type { EventBatch } from '../../shared/contract/events.ts';
import type { Result } from '../../shared/contract/route.ts';

/** `ended`: the session is over and only a new address from the terminal helps. */
export type ConnectionStatus = 'connecting' | 'open' | 'lost' | 'ended';

export interface Transport {
  /** Never rejects: a lost connection is a result with code CONNECTION_LOST. */
  request(route: string, input: unknown): Promise<Result<unknown>>;
  /** Batches in order, none missed and none twice; a `reset` event when that cannot be. Returns how to leave. */
  subscribe(listener: (batch: EventBatch) => void): () => void;
  readonly status: ConnectionStatus;
  /** Called now and at every change. Returns how to leave. */
  onStatus(listener: (status: ConnectionStatus) => void): () => void;
}
