/**
 * @file Runs under Node. The loopback host: the page, its session, its calls and its events over HTTP on 127.0.0.1.
 * Checks in this order: head (guard.ts), session, length, JSON; the dispatcher then checks the schema.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Result } from '../../shared/contract/route.ts';
import { errorData } from '../../shared/errors.ts';
import type { Dispatch } from '../rpc/dispatch.ts';
import type { EventHub } from '../rpc/eventHub.ts';
import type { PageFile } from '../rpc/pageFiles.ts';
import { PAGE_HEADERS } from '../rpc/pageHeaders.ts';
import { BodyProblem, readJson } from './body.ts';
import { EventStreams } from './eventStreams.ts';
import { type Allowed, headersNamed, judge, type Place } from './guard.ts';
import { listenOnLoopback } from './listen.ts';
import { Sessions } from './sessions.ts';

export interface ServerOptions {
  /** 0 takes any free one. */
  readonly port: number;
  /** Origins under which a tunnel or reverse proxy shows this server, such as "https://box.example:8443". */
  readonly publicOrigins: readonly string[];
  readonly files: ReadonlyMap<string, PageFile>;
  readonly dispatch: Dispatch;
  readonly events: EventHub;
  /** Shorter ones are for tests. */
  readonly heartbeatMs?: number;
  readonly headersTimeoutMs?: number;
}

export interface LoopbackServer {
  readonly port: number;
  /** "http://127.0.0.1:8123" */
  readonly origin: string;
  /** The key that opens a session; in the printed address it stands behind "#k=". */
  readonly key: string;
  close(): Promise<void>;
}

const MOST_CONNECTIONS = 64;
const HEADER_BYTES = 16 * 1024;

/** @throws StudioError ALREADY_EXISTS when the port is taken, WRITE_FAILED when listening is not allowed. */
export async function startServer(options: ServerOptions): Promise<LoopbackServer> {
  const sessions = new Sessions();
  const streams = new EventStreams(options.events, options.heartbeatMs);
  const server = createServer({
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: options.headersTimeoutMs ?? 10_000,
    requestTimeout: 30_000,
    // How often the two limits above are looked at.
    connectionsCheckingInterval: 1000,
    requireHostHeader: true,
  });
  server.maxConnections = MOST_CONNECTIONS;
  await listenOnLoopback(server, options.port);
  const { port } = server.address() as AddressInfo;
  const allowed = allowedFor(port, options.publicOrigins);
  const answer = answererOf({ ...options, port, allowed, sessions, streams });
  server.on('request', (request, response) => void answer(request, response));
  // CONNECT and upgrades have no place here.
  for (const event of ['connect', 'upgrade'] as const) server.on(event, (_, socket) => socket.destroy());
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    key: sessions.key,
    close: async () => {
      streams.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function allowedFor(port: number, publicOrigins: readonly string[]): Allowed {
  const own = [`127.0.0.1:${port}`, `localhost:${port}`];
  const publicUrls = publicOrigins.map((origin) => new URL(origin));
  return {
    hosts: new Set([...own, ...publicUrls.map(({ host }) => host)]),
    origins: new Set([...own.map((host) => `http://${host}`), ...publicUrls.map(({ origin }) => origin)]),
  };
}

interface Answering extends ServerOptions {
  readonly port: number;
  readonly allowed: Allowed;
  readonly sessions: Sessions;
  readonly streams: EventStreams;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

function answererOf(server: Answering): Answer {
  return async (request, response) => {
    try {
      const { method = '', url: target = '', rawHeaders } = request;
      const verdict = judge({ method, target, rawHeaders }, server.allowed);
      if (verdict.pass) await answerAt(verdict.place, server, request, response);
      else say(response, verdict.status, verdict.sentence);
    } catch (thrown) {
      if (thrown instanceof BodyProblem) say(response, thrown.status, thrown.message);
      else say(response, 500, 'The studio could not answer.');
    }
  };
}

async function answerAt(
  place: Place,
  server: Answering,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (place.kind === 'page') return servePage(server.files, place.address, request, response);
  if (place.kind === 'session') return await openSession(server, request, response);
  const session = cookieOf(request, server.port);
  const bearer = bearerOf(request);
  // A script with the key needs no session, and its cookies are not looked at.
  const known =
    bearer === null ? session !== null && server.sessions.isOpen(session) : server.sessions.isKey(bearer);
  if (!known)
    return say(
      response,
      401,
      'There is no session, or it has ended. Use the address that the studio printed.',
    );
  if (place.kind === 'logout') {
    if (session !== null) {
      server.sessions.close(session);
      server.streams.closeOf(session);
    }
    return say(response, 200, 'Logged out.');
  }
  if (place.kind === 'events') {
    const last = headersNamed(request.rawHeaders, 'last-event-id')[0] ?? cursorIn(request.url ?? '');
    return server.streams.open(request, response, { cursor: last, session: session ?? '' });
  }
  const input = await readJson(request);
  // What is published from here on may be missing in the answer: a page listens from this cursor on.
  const { cursor } = server.events;
  const result = await server.dispatch(place.route, input);
  response.setHeader('Event-Cursor', cursor);
  sendJson(response, 200, resultText(result));
}

/** A caller gets an answer even when the value cannot be written as JSON. */
function resultText(result: Result<unknown>): string {
  try {
    return JSON.stringify(result);
  } catch (thrown) {
    return JSON.stringify({ ok: false, error: errorData(thrown) });
  }
}

/** EventSource cannot set a header on its first connection, so that a page that reconnects by itself puts it here. */
function cursorIn(target: string): string | null {
  return new URL(target, 'http://127.0.0.1').searchParams.get('after');
}

function servePage(
  files: Answering['files'],
  address: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const file = files.get(address);
  if (file === undefined) {
    say(response, 404, 'There is nothing here.');
    return;
  }
  response.writeHead(200, {
    ...PAGE_HEADERS,
    'Content-Type': file.contentType,
    'Content-Length': file.body.byteLength,
    'Cache-Control': file.immutable ? 'private, max-age=31536000, immutable' : 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : file.body);
}

async function openSession(
  server: Answering,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readJson(request);
  const key = typeof body === 'object' && body !== null && 'key' in body ? body.key : null;
  const opening = server.sessions.open(typeof key === 'string' ? key : '');
  if (opening.kind === 'tooMany') return say(response, 429, 'Too many wrong keys. Wait a minute.');
  if (opening.kind === 'wrong') return say(response, 401, 'That is not the key of this studio.');
  const cookie = `${cookieName(server.port)}=${opening.session}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${server.sessions.maxAgeSeconds}`;
  response.setHeader('Set-Cookie', cookie);
  sendJson(response, 200, '{"ok":true}');
}

/** Cookies are shared by all ports of a host: each server has a name of its own. */
function cookieName(port: number): string {
  return `studio_${port}`;
}

function cookieOf(request: IncomingMessage, port: number): string | null {
  const prefix = `${cookieName(port)}=`;
  const pairs = headersNamed(request.rawHeaders, 'cookie').flatMap((value) => value.split(';'));
  const found = pairs.map((pair) => pair.trim()).find((pair) => pair.startsWith(prefix));
  return found === undefined ? null : found.slice(prefix.length);
}

function bearerOf(request: IncomingMessage): string | null {
  const [value] = headersNamed(request.rawHeaders, 'authorization');
  return value === undefined ? null : (/^Bearer (.+)$/i.exec(value)?.[1] ?? '');
}

function sendJson(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    ...PAGE_HEADERS,
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
  });
  response.end(text);
}

function say(response: ServerResponse, status: number, sentence: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What is left of a refused body is not read.
  if (status >= 400) response.setHeader('Connection', 'close');
  response.writeHead(status, {
    ...PAGE_HEADERS,
    'Content-Type': 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
  });
  response.end(`${sentence}\n`);
}
