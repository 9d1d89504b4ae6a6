/** @file Node. One GET request with its redirects, through the proxy that the environment names. */
import { type Dispatcher, EnvHttpProxyAgent, request } from 'undici';
import { StudioError } from '../../shared/errors.ts';
import { shownUrl } from './downloadErrors.ts';

const MAX_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Meant for the server that was named, not for one that it points to. */
const PRIVATE_HEADERS: ReadonlySet<string> = new Set(['authorization', 'cookie']);

export interface HttpTimeouts {
  readonly connectMs: number;
  /** From the request to the answer's headers. */
  readonly headersMs: number;
  /** Between two pieces of the body. */
  readonly stallMs: number;
}

/** Honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY; to be destroyed by the caller. */
export function openHttpClient({ connectMs }: HttpTimeouts): Dispatcher {
  try {
    return new EnvHttpProxyAgent({ connectTimeout: connectMs });
  } catch (thrown) {
    const nextStep = 'Correct HTTP_PROXY and HTTPS_PROXY: they look like http://proxy.example.org:8080.';
    const message = 'The proxy that the environment names is not a URL.';
    throw new StudioError('USAGE', message, { nextStep, cause: thrown });
  }
}

export interface GetRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeouts: HttpTimeouts;
  readonly signal: AbortSignal | undefined;
}

/**
 * The answer that is no redirect, body unread.
 * @throws DOWNLOAD_FAILED for redirects that lead nowhere; what the HTTP client throws for everything else
 */
export async function httpGet(
  client: Dispatcher,
  { url, headers, timeouts, signal }: GetRequest,
): Promise<Dispatcher.ResponseData> {
  let at = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await request(at, {
      dispatcher: client,
      headers: at.origin === url.origin ? headers : publicHeaders(headers),
      headersTimeout: timeouts.headersMs,
      bodyTimeout: timeouts.stallMs,
      signal: signal ?? null,
    });
    if (!REDIRECTS.has(response.statusCode)) return response;
    await response.body.dump();
    at = redirectTarget(at, response.headers['location']);
  }
  throw redirectError(url, `more than ${MAX_REDIRECTS} of them`);
}

function publicHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !PRIVATE_HEADERS.has(name.toLowerCase())),
  );
}

function redirectTarget(from: URL, location: string | string[] | undefined): URL {
  const target = typeof location === 'string' ? URL.parse(location, from.href) : null;
  if (target === null) throw redirectError(from, 'one without an address');
  if (target.protocol !== 'https:' && target.protocol !== 'http:') {
    throw redirectError(from, `one to ${target.protocol.slice(0, 20)} instead of http or https`);
  }
  if (from.protocol === 'https:' && target.protocol === 'http:')
    throw redirectError(from, 'one from https to http');
  return target;
}

function redirectError(from: URL, what: string): StudioError {
  const message = `Downloading ${shownUrl(from)} failed: the server's redirects cannot be followed (${what}).`;
  return new StudioError('DOWNLOAD_FAILED', message, {
    nextStep: 'Check the address, or download the file in a browser.',
  });
}
