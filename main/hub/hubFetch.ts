/**
 * @file Node. `fetch` for the hub's client library, over our own HTTP: through the proxy that the environment names,
 * with timeouts, patience and a limit on size, and with a token that no other host ever sees.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { StudioError } from '../../shared/errors.ts';
import { LONGEST_RETRY_AFTER_MS, PASSING_STATUS, retryAfterMs } from '../files/downloadAnswer.ts';
import { downloadError, networkTrouble, PassingTrouble } from '../files/downloadErrors.ts';
import { DOWNLOAD_LIMITS, type DownloadLimits } from '../files/downloadRequest.ts';
import { httpGet } from '../files/httpGet.ts';
import { hubRefusal, oddAnswer } from './hubErrors.ts';
import type { HubSettings } from './hubSettings.ts';

/** Of one page of an answer: a thousand files have half a megabyte. */
const MAX_ANSWER_BYTES = 32 << 20;
/** An answer is small and a person waits: after so many failures it is told. */
const ATTEMPTS = 4;

export interface HubFetchOptions {
  readonly settings: HubSettings;
  /** What is asked for, as a person wrote it; for messages. */
  readonly what: string;
  readonly client: Dispatcher;
  readonly signal?: AbortSignal;
  readonly limits?: Partial<DownloadLimits>;
}

/**
 * A `fetch` for GET requests. Whatever is no success is thrown as a StudioError that says why: OFFLINE,
 * DOWNLOAD_FAILED, and those of `hubRefusal`.
 */
export function hubFetch(options: HubFetchOptions): typeof fetch {
  const limits = { ...DOWNLOAD_LIMITS, ...options.limits };
  return async (input) => {
    const url = new URL(input instanceof Request ? input.url : input);
    for (let attempt = 1; ; attempt++) {
      try {
        return await ask(url, options, limits);
      } catch (thrown) {
        options.signal?.throwIfAborted();
        if (thrown instanceof StudioError) throw thrown;
        const trouble = networkTrouble(thrown);
        if (trouble === null) throw thrown;
        const { retryAfterMs } = trouble;
        const tooLong = retryAfterMs !== null && retryAfterMs >= LONGEST_RETRY_AFTER_MS;
        if (!trouble.mayPass || trouble.offline || tooLong || attempt >= ATTEMPTS) {
          if (thrown instanceof PassingStatus) throw refusalOf(options, thrown.status, thrown.code);
          throw downloadError(url, trouble, attempt);
        }
        await sleep(retryAfterMs ?? limits.firstPauseMs * 2 ** (attempt - 1), undefined, {
          ...(options.signal === undefined ? {} : { signal: options.signal }),
        });
      }
    }
  };
}

/** The header that says who asks; nothing for an address that is not the hub's own. */
export function authorisation({ endpoint, token }: HubSettings, url: URL): Record<string, string> {
  return token !== null && url.origin === endpoint.origin ? { authorization: `Bearer ${token}` } : {};
}

/** A status that another attempt may change. */
class PassingStatus extends PassingTrouble {
  readonly status: number;
  readonly code: string | null;

  constructor(status: number, code: string | null, retryAfter: number | null) {
    super(`the server answered with status ${status}`, { retryAfterMs: retryAfter });
    this.status = status;
    this.code = code;
  }
}

async function ask(url: URL, options: HubFetchOptions, timeouts: DownloadLimits): Promise<Response> {
  const { client, settings, signal } = options;
  const headers = {
    ...{ accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'entail' },
    ...authorisation(settings, url),
  };
  const response = await httpGet(client, { url, headers, timeouts, signal });
  try {
    const { statusCode } = response;
    const code = headerText(response.headers['x-error-code']);
    if (PASSING_STATUS.has(statusCode))
      throw new PassingStatus(statusCode, code, retryAfterMs(response.headers));
    if (statusCode !== 200) throw refusalOf(options, statusCode, code);
    const link = headerText(response.headers['link']);
    const body = await bodyOf(response.body, settings);
    return new Response(body, {
      headers: { 'content-type': 'application/json', ...(link === null ? {} : { link }) },
    });
  } finally {
    response.body.on('error', () => {}).destroy();
  }
}

function refusalOf({ settings, what }: HubFetchOptions, status: number, code: string | null): StudioError {
  const { endpoint, token } = settings;
  return hubRefusal({ what, host: endpoint.host, status, code, hasToken: token !== null });
}

async function bodyOf(
  body: Dispatcher.ResponseData['body'],
  { endpoint }: HubSettings,
): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > MAX_ANSWER_BYTES) throw oddAnswer(endpoint.host, 'its answer does not end');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function headerText(value: string | string[] | undefined): string | null {
  return typeof value === 'string' ? value : (value?.[0] ?? null);
}
