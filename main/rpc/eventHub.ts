/** @file Runs under Node. Events on their way to clients: in batches, with a cursor, so that none is missed or doubled. */
import type { EventBatch, StudioEvent } from '../../shared/contract/events.ts';
import { Gathering, weightOf } from './gathering.ts';

/** Clients hear at most this often; what happens in between travels together. */
const BATCH_MS = 100;
/** A client that was away for longer than this many batches begins anew. */
const KEPT_BATCHES = 600;
/** Events, points and lines in all of them together: some megabytes, which a connection takes at once. */
const MOST_KEPT = 50_000;
/** The same between two batches; beyond it, clients are better off to ask for everything. */
const MOST_WAITING = 20_000;

export type EventListener = (batch: EventBatch) => void;

export interface EventHub {
  /** Queues events that are committed already. */
  publish(events: readonly StudioEvent[]): void;
  /** The cursor of the newest batch. */
  readonly cursor: string;
  /**
   * Sends everything after `cursor` at once, then every batch as it comes. Null is "from now on". A cursor that is
   * too old, or of another start of the studio, is answered with a `reset`. Returns how to leave; leaving twice is fine.
   */
  subscribe(cursor: string | null, listener: EventListener): () => void;
  close(): void;
}

interface KeptBatch {
  readonly number: number;
  readonly batch: EventBatch;
  readonly weight: number;
}

/** `start` tells this start of the studio from all others. */
export function createEventHub({ start, batchMs = BATCH_MS }: { start: string; batchMs?: number }): EventHub {
  const listeners = new Set<EventListener>();
  const kept: KeptBatch[] = [];
  let keptWeight = 0;
  /** Null when there was too much. */
  let waiting: Gathering | null = new Gathering();
  let number = 0;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;
  const cursorOf = (at: number) => `${start}.${at}`;

  const tell = (listener: EventListener, batch: EventBatch): void => {
    try {
      listener(batch);
    } catch {
      // One client's fault must not cost the others their events.
    }
  };
  const keep = (batch: EventBatch): void => {
    const weight = sum(batch.events.map(weightOf));
    kept.push({ number, batch, weight });
    keptWeight += weight;
    while (kept.length > KEPT_BATCHES || keptWeight > MOST_KEPT) keptWeight -= kept.shift()!.weight;
  };
  const flush = (): void => {
    timer = null;
    const events = waiting?.events() ?? [{ kind: 'reset' } as const];
    waiting = new Gathering();
    if (events.length === 0) return;
    number++;
    const batch = { cursor: cursorOf(number), events };
    keep(batch);
    for (const listener of [...listeners]) tell(listener, batch);
  };
  return {
    get cursor() {
      return cursorOf(number);
    },
    publish: (events) => {
      if (closed) return;
      for (const event of events) {
        waiting?.add(event);
        if (waiting !== null && waiting.weight > MOST_WAITING) waiting = null;
      }
      timer ??= setTimeout(flush, batchMs);
    },
    subscribe: (cursor, listener) => {
      const own: EventListener = (batch) => listener(batch);
      const missed = missedSince(cursor, { start, number, kept });
      if (missed === null) tell(own, { cursor: cursorOf(number), events: [{ kind: 'reset' }] });
      else for (const { batch } of missed) tell(own, batch);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
    close: () => {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      listeners.clear();
    },
  };
}

interface Kept {
  readonly start: string;
  readonly number: number;
  readonly kept: readonly KeptBatch[];
}

/** Null when they cannot all be told. */
function missedSince(cursor: string | null, { start, number, kept }: Kept): Kept['kept'] | null {
  if (cursor === null) return [];
  const dot = cursor.lastIndexOf('.');
  const digits = cursor.slice(dot + 1);
  const at = Number(digits);
  if (dot === -1 || cursor.slice(0, dot) !== start || !/^\d+$/.test(digits) || at > number) return null;
  const oldest = kept[0]?.number ?? number + 1;
  return at + 1 < oldest ? null : kept.filter((entry) => entry.number > at);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
