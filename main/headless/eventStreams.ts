/** @file Runs under Node. Events to browsers: one stream a tab, resumed by cursor, alive by a heartbeat. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventBatch } from '../../shared/contract/events.ts';
import type { EventHub } from '../rpc/eventHub.ts';
import { PAGE_HEADERS } from '../rpc/pageHeaders.ts';

const HEARTBEAT_MS = 15_000;
/** A tab that reads nothing for so much is let go; it comes back with its cursor. */
const MOST_UNREAD_BYTES = 16 * 1024 * 1024;

interface Stream {
  readonly response: ServerResponse;
  readonly session: string;
}

export class EventStreams {
  readonly #hub: EventHub;
  readonly #heartbeatMs: number;
  readonly #open = new Set<Stream>();

  constructor(hub: EventHub, heartbeatMs = HEARTBEAT_MS) {
    this.#hub = hub;
    this.#heartbeatMs = heartbeatMs;
  }

  open(
    request: IncomingMessage,
    response: ServerResponse,
    { cursor, session }: { readonly cursor: string | null; readonly session: string },
  ): void {
    const stream = { response, session };
    this.#open.add(stream);
    // A stream lives longer than any request may take to arrive.
    request.socket.setTimeout(0);
    response.writeHead(200, {
      ...PAGE_HEADERS,
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    // The id goes with batches only: a client that is cut off now must ask again from the cursor it came with.
    response.write(`retry: 1000\nevent: hello\ndata: ${JSON.stringify(this.#hub.cursor)}\n\n`);
    const leave = this.#hub.subscribe(cursor, (batch) => this.#send(response, batch));
    const heartbeat = setInterval(() => response.write(': alive\n\n'), this.#heartbeatMs);
    response.on('close', () => {
      clearInterval(heartbeat);
      leave();
      this.#open.delete(stream);
    });
  }

  /** The streams of a session that has ended. */
  closeOf(session: string): void {
    for (const stream of this.#open) if (stream.session === session) stream.response.end();
  }

  close(): void {
    for (const { response } of this.#open) response.end();
  }

  #send(response: ServerResponse, batch: EventBatch): void {
    response.write(`id: ${batch.cursor}\ndata: ${JSON.stringify(batch)}\n\n`);
    if (response.writableLength > MOST_UNREAD_BYTES) response.destroy();
  }
}
