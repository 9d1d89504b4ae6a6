/** @file Tests. Servers on loopback that behave as badly as a test wants. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createSocketServer } from 'node:net';
import { afterEach } from 'vitest';

const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Answers the n-th request, counted from 1. */
export type Answering = (request: IncomingMessage, response: ServerResponse, count: number) => void;

export interface LoopbackServer {
  /** Such as "http://127.0.0.1:4711". */
  readonly origin: string;
  readonly requests: IncomingMessage[];
}

/** Runs until the end of the test. */
export async function loopbackServer(answer: Answering): Promise<LoopbackServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response, requests.length);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** A server that speaks whatever it likes. */
export async function rawServer(talk: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createSocketServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    talk(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/**
 * An address where nobody listens. Not a port that was free a moment ago: the system may give that one to another program, or
 * to the very connection that is tried. It never gives away one of the lowest, and no service uses this one.
 */
export async function closedOrigin(): Promise<string> {
  return 'http://127.0.0.1:2';
}

export interface Served {
  readonly bytes: Buffer;
  readonly etag?: string;
  /** Cuts the connection after that many bytes of this answer. */
  readonly cutAfter?: number;
}

/** Answers as a good server would, ranges and If-Range included; then perhaps cuts the connection. */
export function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes, etag, cutAfter }: Served,
): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? Number.NaN);
  const condition = request.headers['if-range'];
  const partial = !Number.isNaN(from) && (condition === undefined || condition === etag);
  if (etag !== undefined) response.setHeader('etag', etag);
  if (partial && from >= bytes.byteLength) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.byteLength}` }).end();
    return;
  }
  const body = partial ? bytes.subarray(from) : bytes;
  const range = partial
    ? { 'content-range': `bytes ${from}-${bytes.byteLength - 1}/${bytes.byteLength}` }
    : {};
  response.writeHead(partial ? 206 : 200, { 'content-length': body.byteLength, ...range });
  if (cutAfter === undefined) response.end(body);
  else sendAndCut(response, body.subarray(0, cutAfter));
}

/** Sends these bytes of an answer whose headers promised more, and cuts the connection once they are out. */
export function sendAndCut(response: ServerResponse, bytes: Uint8Array): void {
  response.write(bytes, () => response.socket?.destroySoon());
}
