/** @file Node. What goes wrong between here and a server, and what a person can do about it. */
import { errors } from 'undici';
import { StudioError } from '../../shared/errors.ts';
import { systemCode } from './fileErrors.ts';

/** A failure that may pass; the download goes on where it stopped after a pause. */
export class PassingTrouble extends Error {
  override readonly name = 'PassingTrouble';
  /** What the server asked for in its Retry-After header; null when it did not. */
  readonly retryAfterMs: number | null;

  constructor(message: string, { retryAfterMs = null }: { retryAfterMs?: number | null } = {}) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** No name, no route, nobody listening: this machine cannot get to the server at all. */
const UNREACHABLE: ReadonlyMap<string, string> = new Map([
  ['ENOTFOUND', 'its name is not known'],
  ['EAI_AGAIN', 'its name could not be looked up'],
  ['ECONNREFUSED', 'the connection was refused'],
  ['ENETUNREACH', 'the network is unreachable'],
  ['ENETDOWN', 'the network is down'],
  ['EHOSTUNREACH', 'there is no route to it'],
  ['EHOSTDOWN', 'it is down'],
  ['ETIMEDOUT', 'it does not answer'],
  ['UND_ERR_CONNECT_TIMEOUT', 'it does not answer'],
]);

const PASSING: ReadonlyMap<string, string> = new Map([
  ['ECONNRESET', 'the connection was cut'],
  ['EPIPE', 'the connection was cut'],
  ['UND_ERR_SOCKET', 'the connection was cut'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'the connection was cut'],
  ['UND_ERR_HEADERS_TIMEOUT', 'the server does not answer'],
  ['UND_ERR_BODY_TIMEOUT', 'the server stopped sending'],
]);

export interface NetworkTrouble {
  readonly offline: boolean;
  readonly mayPass: boolean;
  /** Part of a sentence. */
  readonly what: string;
  readonly retryAfterMs: number | null;
}

/** Looks through what the HTTP client threw, causes and parallel attempts included; null if it is no such error. */
export function networkTrouble(thrown: unknown): NetworkTrouble | null {
  const plain = { offline: false, mayPass: true, retryAfterMs: null };
  if (thrown instanceof PassingTrouble)
    return { ...plain, what: thrown.message, retryAfterMs: thrown.retryAfterMs };
  if (thrown instanceof errors.HTTPParserError) return { ...plain, what: 'the answer is not HTTP' };
  const codes = [...codesOf(thrown)];
  if (codes.length === 0) return null;
  for (const code of codes) {
    const unreachable = UNREACHABLE.get(code);
    if (unreachable !== undefined) return { ...plain, offline: true, what: unreachable };
    const passing = PASSING.get(code);
    if (passing !== undefined) return { ...plain, what: passing };
  }
  const what = thrown instanceof Error ? thrown.message : String(thrown);
  const certificate = codes.some((code) => /CERT|SIGNATURE|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL/.test(code));
  if (certificate) return { ...plain, mayPass: false, what: `its certificate is not trusted (${what})` };
  // Among others: a proxy that wants a password.
  return { ...plain, mayPass: !codes.includes('UND_ERR_INVALID_ARG'), what };
}

function* codesOf(thrown: unknown): Generator<string> {
  const code = systemCode(thrown);
  if (code !== null) yield code;
  if (thrown instanceof AggregateError) for (const error of thrown.errors) yield* codesOf(error);
  if (thrown instanceof Error && thrown.cause !== undefined) yield* codesOf(thrown.cause);
}

/** The error to end with: OFFLINE or DOWNLOAD_FAILED. */
export function downloadError(url: URL, trouble: NetworkTrouble, attempts: number): StudioError {
  if (trouble.offline) {
    const proxy = proxyInUse(url);
    const nextStep =
      proxy === null
        ? 'Connect to the internet (or name your proxy in HTTPS_PROXY) and try again: it goes on where it stopped.'
        : `Check the connection, and the proxy ${proxy} that the environment names, and try again.`;
    return new StudioError('OFFLINE', `${url.host} cannot be reached: ${trouble.what}.`, { nextStep });
  }
  const tries = attempts > 1 ? ` after ${attempts} attempts` : '';
  const message = `Downloading ${shownUrl(url)} failed${tries}: ${trouble.what}.`;
  const nextStep = trouble.what.startsWith('its certificate')
    ? 'If your network inspects connections, name its certificate in NODE_EXTRA_CA_CERTS and try again.'
    : 'Try again: it goes on where it stopped.';
  return new StudioError('DOWNLOAD_FAILED', message, { nextStep });
}

/** The URL without what may be secret: user, password, query. */
export function shownUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** The proxy that the environment names for such a URL, without its password. NO_PROXY may still go around it. */
function proxyInUse(url: URL): string | null {
  const { env } = process;
  const http = env['http_proxy'] ?? env['HTTP_PROXY'];
  const text = url.protocol === 'https:' ? (env['https_proxy'] ?? env['HTTPS_PROXY'] ?? http) : http;
  return text === undefined ? null : (URL.parse(text)?.host ?? null);
}
