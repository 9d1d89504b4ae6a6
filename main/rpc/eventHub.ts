/** @file Runs under Node. Events on their way to clients: in batches, with a cursor, so that none is missed or doubled. */
import type { EventBatch, StudioEvent } from '../../shared/contract/events.ts';

/** Clients hear at most this often; what happens in between travels together. */
const BATCH_MS = 100;
/** A client that was away for longer than this many batches begins anew. */
const KEPT_BATCHES = 600;
/** Between two batches; beyond it, clients are better off to ask for everything. */
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

/** `start` tells this start of the studio from all others. */
export function createEventHub({ start, batchMs = BATCH_MS }: { start: string; batchMs?: number }): EventHub {
  const listeners = new Set<EventListener>();
  let kept: { readonly number: number; readonly batch: EventBatch }[] = [];
  let waiting: StudioEvent[] = [];
  let number = 0;
  let timer: NodeJS.Timeout | null = null;
  const cursorOf = (at: number) => `${start}.${at}`;

  const tell = (listener: EventListener, batch: EventBatch): void => {
    try {
      listener(batch);
    } catch {
      // One client's fault must not cost the others their events.
    }
  };
  const flush = (): void => {
    timer = null;
    const events = waiting.length > MOST_WAITING ? [{ kind: 'reset' } as const] : coalesced(waiting);
    waiting = [];
    if (events.length === 0) return;
    number++;
    const batch = { cursor: cursorOf(number), events };
    kept.push({ number, batch });
    if (kept.length > KEPT_BATCHES) kept = kept.slice(-KEPT_BATCHES);
    for (const listener of [...listeners]) tell(listener, batch);
  };
  return {
    get cursor() {
      return cursorOf(number);
    },
    publish: (events) => {
      if (waiting.length <= MOST_WAITING) waiting.push(...events);
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
      if (timer !== null) clearTimeout(timer);
      listeners.clear();
    },
  };
}

interface Kept {
  readonly start: string;
  readonly number: number;
  readonly kept: readonly { readonly number: number; readonly batch: EventBatch }[];
}

/** Null when they cannot all be told. */
function missedSince(cursor: string | null, { start, number, kept }: Kept): Kept['kept'] | null {
  if (cursor === null) return [];
  const dot = cursor.lastIndexOf('.');
  const at = Number(cursor.slice(dot + 1));
  if (dot === -1 || cursor.slice(0, dot) !== start || !Number.isInteger(at) || at < 0 || at > number)
    return null;
  const oldest = kept[0]?.number ?? number + 1;
  return at + 1 < oldest ? null : kept.filter((entry) => entry.number > at);
}

/** Of events that only say how things stand, the last one of each thing; all others, in order. */
function coalesced(events: readonly StudioEvent[]): StudioEvent[] {
  const last = new Map<string, number>();
  for (const [at, event] of events.entries()) {
    const key = standing(event);
    if (key !== null) last.set(key, at);
  }
  return events.filter((event, at) => {
    const key = standing(event);
    return key === null || last.get(key) === at;
  });
}

function standing(event: StudioEvent): string | null {
  switch (event.kind) {
    case 'progress':
      return `progress ${event.run}`;
    case 'job':
      return `job ${event.job.id}`;
    case 'runs':
      return `runs ${event.ids.join(' ')}`;
    case 'notice':
      return `notice ${event.id}`;
    case 'queue':
    case 'datasets':
    case 'engines':
    case 'settings':
      return event.kind;
    default:
      return null;
  }
}
