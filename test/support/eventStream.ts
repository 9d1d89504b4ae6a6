/** @file Tests. The studio's events over real HTTP, as a page reads them: whole frames only, and the cursor of the last one. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { LoopbackServer } from '../../main/headless/server.ts';
import type { EventBatch } from '../../shared/contract/events.ts';

export interface EventStream {
  /** Settles when the server has said hello; rejects with the status when it refuses. */
  readonly open: Promise<void>;
  /** Settles when the connection is gone, whoever ended it. */
  readonly ended: Promise<void>;
  cut(): void;
}

export interface StreamOptions {
  readonly cursor: string | null;
  readonly onBatch: (batch: EventBatch) => void;
  /** Another port than the server's: a proxy before it. */
  readonly port?: number;
  /** A browser that reconnects by itself sends its cursor in this header; a page that does puts it into the address. */
  readonly by?: 'header' | 'address';
}

/** Listens as a script with the key. */
export function openEvents(
  server: LoopbackServer,
  { cursor, onBatch, port = server.port, by = 'header' }: StreamOptions,
): EventStream {
  const opened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const query = by === 'address' && cursor !== null ? `?after=${encodeURIComponent(cursor)}` : '';
  const asked: ClientRequest = request({
    ...{ host: '127.0.0.1', port, path: `/events${query}`, agent: false },
    headers: {
      Host: `127.0.0.1:${server.port}`,
      Authorization: `Bearer ${server.key}`,
      ...(by === 'header' && cursor !== null ? { 'Last-Event-ID': cursor } : {}),
    },
  });
  asked.on('response', (response) => {
    if (response.statusCode !== 200) opened.reject(new Error(`${response.statusCode}`));
    readFrames(response, {
      onHello: opened.resolve,
      onBatch,
      onEnd: ended.resolve,
    });
  });
  asked.on('error', (error) => {
    opened.reject(error);
    ended.resolve();
  });
  asked.end();
  opened.promise.catch(() => {});
  return { open: opened.promise, ended: ended.promise, cut: () => asked.destroy() };
}

interface Frames {
  readonly onHello: () => void;
  readonly onBatch: (batch: EventBatch) => void;
  readonly onEnd: () => void;
}

function readFrames(response: IncomingMessage, { onHello, onBatch, onEnd }: Frames): void {
  let text = '';
  response.setEncoding('utf8').on('data', (piece: string) => {
    const frames = (text + piece).split('\n\n');
    text = frames.pop() ?? '';
    for (const frame of frames) {
      if (/^event: hello$/m.test(frame)) onHello();
      const data = /^data: (.*)$/m.exec(frame)?.[1];
      const id = /^id: (.*)$/m.exec(frame)?.[1];
      if (id === undefined || data === undefined) continue;
      const batch = JSON.parse(data) as EventBatch;
      if (batch.cursor !== id) throw new Error(`the id ${id} does not name the batch ${batch.cursor}`);
      onBatch(batch);
    }
  });
  response.on('error', () => {});
  response.on('close', onEnd);
}
