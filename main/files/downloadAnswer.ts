/** @file Node. What a server's answer means for a download that may already have a part of the file. */
import type { Dispatcher } from 'undici';
import { StudioError } from '../../shared/errors.ts';
import { PassingTrouble, shownUrl } from './downloadErrors.ts';
import type { ExplainRefusal } from './downloadRequest.ts';
import type { PartFile, PartNote } from './partFile.ts';

type Headers = Dispatcher.ResponseData['headers'];

/** Worth another attempt: timeouts, too many requests, trouble behind the server. */
export const PASSING_STATUS: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);
export const LONGEST_RETRY_AFTER_MS = 60_000;

/** `whole`: the file from its first byte. `rest`: what follows the part. `complete`: the part is the file. */
export interface Answer {
  readonly kind: 'whole' | 'rest' | 'complete';
  readonly note: PartNote;
}

/** The headers that ask for what is missing; null when the part cannot be continued safely. */
export function rangeHeaders(part: PartFile, { hasSum }: { hasSum: boolean }): Record<string, string> | null {
  const { note, sizeBytes } = part;
  if (note === null || sizeBytes === 0) return null;
  const validator = note.etag ?? note.lastModified;
  const range = { range: `bytes=${sizeBytes}-` };
  if (validator !== null) return { ...range, 'if-range': validator };
  // Nobody says whether the file is still the same, but a sum will.
  return hasSum ? range : null;
}

/**
 * @throws PassingTrouble when another attempt may help (the part has then been discarded if it was to blame),
 * DOWNLOAD_FAILED when not, or what `explain` makes of it
 */
export function readAnswer(
  url: URL,
  part: PartFile,
  response: Dispatcher.ResponseData,
  explain?: ExplainRefusal,
): Answer {
  const { statusCode, headers } = response;
  const note = noteOf(url, headers);
  if (statusCode === 200) return { kind: 'whole', note: { ...note, totalBytes: lengthOf(headers) } };
  const range = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(text(headers['content-range']) ?? '');
  const totalBytes = range?.[3] === undefined || range[3] === '*' ? null : Number(range[3]);
  if (statusCode === 206) {
    const fits =
      range !== null && Number(range[1]) === part.sizeBytes && isSameFile(part.note, { ...note, totalBytes });
    if (fits) return { kind: 'rest', note: { ...note, totalBytes } };
  }
  if (statusCode === 416 && part.note !== null && totalBytes === part.sizeBytes)
    return { kind: 'complete', note: part.note };
  if (statusCode === 206 || statusCode === 416) {
    // The file has changed, or the server counts in a way of its own: from the start, without asking for a range.
    part.discard();
    throw new PassingTrouble('the server did not continue where the download had stopped');
  }
  const status = `the server answered with status ${statusCode}`;
  if (PASSING_STATUS.has(statusCode))
    throw new PassingTrouble(status, { retryAfterMs: retryAfterMs(headers) });
  const explained = explain?.(statusCode, text(headers['x-error-code'])) ?? null;
  if (explained !== null) throw explained;
  throw new StudioError('DOWNLOAD_FAILED', `Downloading ${shownUrl(url)} failed: ${status}.`, {
    nextStep: 'Check the address, or download the file in a browser.',
  });
}

/** Refuses what is compressed on the way, although nobody asked for that: sizes and sums would not be the file's. */
export function refuseEncoding(url: URL, headers: Headers): void {
  const encoding = text(headers['content-encoding'])?.toLowerCase() ?? 'identity';
  if (encoding === 'identity') return;
  const message = `Downloading ${shownUrl(url)} failed: the server sends it compressed (${encoding.slice(0, 20)}), unasked.`;
  throw new StudioError('DOWNLOAD_FAILED', message, { nextStep: 'Download the file in a browser.' });
}

function isSameFile(before: PartNote | null, now: PartNote): boolean {
  if (before === null) return false;
  const agree = <Value>(a: Value | null, b: Value | null) => a === null || b === null || a === b;
  return agree(before.etag, now.etag) && agree(before.totalBytes, now.totalBytes);
}

function noteOf(url: URL, headers: Headers): PartNote {
  const etag = text(headers['etag']);
  // A weak tag promises the same meaning, not the same bytes.
  const strong = etag !== null && !etag.startsWith('W/') ? etag : null;
  return { url: url.href, etag: strong, lastModified: text(headers['last-modified']), totalBytes: null };
}

function lengthOf(headers: Headers): number | null {
  const length = text(headers['content-length']);
  return length === null ? null : Number(length);
}

/** What the server asks for in its Retry-After header, at most a minute; null when it does not. */
export function retryAfterMs(headers: Headers): number | null {
  const seconds = Number(text(headers['retry-after']) ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, LONGEST_RETRY_AFTER_MS) : null;
}

function text(value: string | string[] | undefined): string | null {
  return typeof value === 'string' ? value : (value?.[0] ?? null);
}
