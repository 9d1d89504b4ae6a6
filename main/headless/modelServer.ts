/**
 * @file Runs under Node. A model as a service on loopback: JSON in, JSON out, errors as data. It is a separate server from
 * the studio's: it has no session, knows no page, and can do nothing but answer.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ErrorCode, type ErrorData, errorData } from '../../shared/errors.ts';
import { predictedClass } from '../analysis/mistakes.ts';
import type { Predictor } from '../studio/inference.ts';
import { BodyProblem, readJson } from './body.ts';
import { listenOnLoopback } from './listen.ts';
import { askedPairs, judgeModelRequest } from './modelRequests.ts';
import { PairBatcher } from './pairBatcher.ts';

export interface ModelServer {
  readonly port: number;
  /** "http://127.0.0.1:8200" */
  readonly origin: string;
  /** Calls of the model so far: many requests can share one. */
  readonly batches: number;
  /** Takes no more requests, answers those that are in, then ends. */
  close(): Promise<void>;
}

export interface ModelServerOptions {
  /** 0 takes any free one. */
  readonly port: number;
  readonly predictor: Predictor;
  /** "entail 0.1.0", for /health */
  readonly version: string;
  /** Shorter ones are for tests. */
  readonly headersTimeoutMs?: number;
}

const MOST_CONNECTIONS = 256;
const HEADER_BYTES = 16 * 1024;

/** @throws StudioError ALREADY_EXISTS when the port is taken, WRITE_FAILED when listening is not allowed. */
export async function startModelServer(options: ModelServerOptions): Promise<ModelServer> {
  const batcher = new PairBatcher(options.predictor);
  const server = createServer({
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: options.headersTimeoutMs ?? 10_000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 1000,
    requireHostHeader: true,
  });
  server.maxConnections = MOST_CONNECTIONS;
  await listenOnLoopback(server, options.port);
  const { port } = server.address() as AddressInfo;
  const serving: Serving = { ...options, port, batcher, open: new Set(), state: { closing: false } };
  server.on('request', (request, response) => {
    const answered = answer(serving, request, response);
    serving.open.add(answered);
    void answered.finally(() => serving.open.delete(answered));
  });
  for (const event of ['connect', 'upgrade'] as const) server.on(event, (_, socket) => socket.destroy());
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    get batches() {
      return batcher.batches;
    },
    close: () => closeGracefully(server, serving),
  };
}

interface Serving extends ModelServerOptions {
  readonly port: number;
  readonly batcher: PairBatcher;
  readonly open: Set<Promise<void>>;
  readonly state: { closing: boolean };
}

async function closeGracefully(server: Server, serving: Serving): Promise<void> {
  serving.state.closing = true;
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await Promise.all(serving.open);
  await serving.batcher.idle();
  server.closeAllConnections();
  await closed;
}

async function answer(serving: Serving, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const { method = '', url: target = '', rawHeaders } = request;
    const verdict = judgeModelRequest({ method, target, rawHeaders }, serving.port);
    if (!verdict.pass)
      return refuse(response, verdict.status, { code: verdict.code, message: verdict.sentence });
    if (serving.state.closing)
      return refuse(response, 503, { code: 'SHUTTING_DOWN', message: 'The service is ending.' });
    if (verdict.place === 'health') return send(response, 200, healthOf(serving));
    send(response, 200, await predictions(serving, await readJson(request)));
  } catch (thrown) {
    if (thrown instanceof BodyProblem)
      refuse(response, thrown.status, {
        code: thrown.status === 413 ? 'TOO_LARGE' : 'BAD_INPUT',
        message: thrown.message,
      });
    else refuseWith(response, errorData(thrown));
  }
}

function healthOf({ predictor, version, batcher }: Serving): object {
  const { runId, labels, pairs } = predictor;
  return { ok: true, version, run: runId, labels, sentences: pairs ? 2 : 1, batches: batcher.batches };
}

async function predictions({ predictor, batcher }: Serving, body: unknown): Promise<object> {
  const { labels, runId } = predictor;
  const { pairs, single } = askedPairs(body, predictor.pairs);
  const probabilities = await batcher.ask(pairs);
  const answers = pairs.map((_, at) => ({
    label: labels[predictedClass(probabilities, labels.length, at)]!,
    probabilities: Object.fromEntries(
      labels.map((label, index) => [label, probabilities[at * labels.length + index]]),
    ),
  }));
  return single ? { run: runId, ...answers[0] } : { run: runId, answers };
}

const STATUS: Partial<Record<ErrorCode, number>> = { BAD_INPUT: 400, TOO_LARGE: 429 };

function refuseWith(response: ServerResponse, error: ErrorData): void {
  refuse(response, STATUS[error.code] ?? 500, error);
}

function refuse(
  response: ServerResponse,
  status: number,
  { code, message, nextStep = '' }: Pick<ErrorData, 'code' | 'message'> & { readonly nextStep?: string },
): void {
  // What is left of a refused body is not read.
  response.setHeader('Connection', 'close');
  send(response, status, { error: { code, message, nextStep } });
}

function send(response: ServerResponse, status: number, value: object): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(`${JSON.stringify(value)}\n`);
}
