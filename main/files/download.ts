/**
 * @file Node. Downloads a file that is either complete and as expected or not there. An interrupted download goes on
 * where it stopped, in the same process or the next one.
 */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { StudioError } from '../../shared/errors.ts';
import { formatBytes, requireFreeBytes } from './disk.ts';
import { rangeHeaders, readAnswer, refuseEncoding } from './downloadAnswer.ts';
import { downloadError, networkTrouble, PassingTrouble, shownUrl } from './downloadErrors.ts';
import { DOWNLOAD_LIMITS, type DownloadLimits, type DownloadRequest } from './downloadRequest.ts';
import { renamePatiently } from './durableWrite.ts';
import { writeError } from './fileErrors.ts';
import { acquireFileLock } from './fileLock.ts';
import { hasSum, wrongness } from './fileSums.ts';
import { nodeFileSystem } from './fileSystem.ts';
import { httpGet, openHttpClient } from './httpGet.ts';
import { PartFile } from './partFile.ts';
import { RateMeter } from './rateMeter.ts';

/**
 * Fetches `url` to `to`. Does nothing if `to` is already there with the right sum; replaces it otherwise.
 * @throws OFFLINE when the server cannot be reached at all; DOWNLOAD_FAILED; CHECKSUM_MISMATCH with both sums;
 * CANCELLED (the part stays, to go on later); LOCKED when another process downloads to `to`; DISK_FULL,
 * WRITE_FAILED; USAGE for an address that is none
 */
export async function downloadFile(wanted: DownloadRequest): Promise<void> {
  const url = parseAddress(wanted.url);
  try {
    wanted.signal?.throwIfAborted();
    if (await isAlreadyThere(wanted)) return;
    await downloadLocked(url, wanted);
  } catch (thrown) {
    if (wanted.signal?.aborted !== true) throw thrown;
    const message = `The download of ${basename(wanted.to)} was cancelled.`;
    throw new StudioError('CANCELLED', message, { nextStep: 'Start it again: it goes on where it stopped.' });
  }
}

async function downloadLocked(url: URL, wanted: DownloadRequest): Promise<void> {
  const folder = dirname(wanted.to);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (thrown) {
    throw writeError(thrown, folder);
  }
  const lockPath = `${wanted.to}.part.lock`;
  const lock = acquireFileLock(lockPath, { purpose: `downloading ${basename(wanted.to)}` });
  try {
    await new Download(url, wanted).run();
  } finally {
    lock.release();
    // Whoever waits for this very lock finds the finished file, or starts anew; nobody needs the lock's file.
    rmSync(lockPath, { force: true });
  }
}

class Download {
  readonly #url: URL;
  readonly #wanted: DownloadRequest;
  readonly #limits: DownloadLimits;
  readonly #part: PartFile;
  readonly #rate = new RateMeter();
  #reportedAtMs = Number.NEGATIVE_INFINITY;
  /** Whether bytes of an earlier answer stand in the part: then wrong bytes may be its fault, not the server's. */
  #joined = false;
  #reached = false;

  constructor(url: URL, wanted: DownloadRequest) {
    this.#url = url;
    this.#wanted = wanted;
    this.#limits = { ...DOWNLOAD_LIMITS, ...wanted.limits };
    this.#part = new PartFile(wanted.to);
  }

  async run(): Promise<void> {
    const client = openHttpClient(this.#limits);
    const part = this.#part;
    try {
      // Without a sum, bytes of an earlier process cannot be trusted: the power may have gone before they were synced.
      if (part.note?.url !== this.#url.href || !hasSum(this.#wanted)) part.discard();
      this.#joined = part.sizeBytes > 0;
      let wrong = await this.#fetchAndCheck(client);
      if (wrong !== null && this.#joined) {
        this.#joined = false;
        wrong = await this.#fetchAndCheck(client);
      }
      if (wrong !== null) throw this.#mismatch(wrong);
      this.#publish();
    } finally {
      part.close();
      await client.destroy();
    }
  }

  /** Fetches the whole file. What is wrong with it then, or null; a wrong file is discarded. */
  async #fetchAndCheck(client: Dispatcher): Promise<string | null> {
    await this.#fetchAll(client);
    this.#part.sync();
    const wrong = await wrongness(this.#part.path, this.#wanted, this.#wanted.signal);
    if (wrong !== null) this.#part.discard();
    return wrong;
  }

  async #fetchAll(client: Dispatcher): Promise<void> {
    let fruitless = 0;
    for (let attempt = 1; ; attempt++) {
      const before = this.#part.sizeBytes;
      try {
        return await this.#fetch(client);
      } catch (thrown) {
        if (this.#wanted.signal?.aborted === true || thrown instanceof StudioError) throw thrown;
        const trouble = networkTrouble(thrown);
        if (trouble === null) throw thrown;
        fruitless = this.#part.sizeBytes > before ? 1 : fruitless + 1;
        const isHopeless = !trouble.mayPass || (trouble.offline && !this.#reached);
        if (isHopeless || fruitless >= this.#limits.fruitlessAttempts || attempt >= this.#limits.attempts) {
          throw downloadError(this.#url, trouble, attempt);
        }
        const pauseMs = this.#limits.firstPauseMs * Math.min(2 ** (fruitless - 1), 30);
        await sleep(trouble.retryAfterMs ?? pauseMs, undefined, { signal: this.#wanted.signal });
      } finally {
        this.#part.close();
      }
    }
  }

  /** One attempt: asks for what is missing and appends it. */
  async #fetch(client: Dispatcher): Promise<void> {
    const part = this.#part;
    if (part.sizeBytes > 0 && part.sizeBytes === part.note?.totalBytes) return;
    const range = rangeHeaders(part, { hasSum: hasSum(this.#wanted) });
    const headers = {
      'user-agent': 'entail',
      ...this.#wanted.headers,
      'accept-encoding': 'identity',
      ...range,
    };
    const { signal } = this.#wanted;
    const response = await httpGet(client, { url: this.#url, headers, timeouts: this.#limits, signal });
    this.#reached = true;
    try {
      const { kind, note } = readAnswer(this.#url, part, response, this.#wanted.explainRefusal);
      if (kind === 'complete') return;
      refuseEncoding(this.#url, response.headers);
      this.#checkSize(note.totalBytes);
      if (kind === 'whole') part.begin(note);
      else this.#joined = true;
      this.#checkRoom(note.totalBytes);
      await this.#receive(response.body, note.totalBytes);
    } finally {
      response.body.on('error', () => {}).destroy();
    }
  }

  async #receive(body: Dispatcher.ResponseData['body'], totalBytes: number | null): Promise<void> {
    const limit = totalBytes ?? this.#maxBytes();
    this.#report(totalBytes, { always: true });
    // Not `for await`, which would leave bytes in the stream's buffer while others are written.
    body.on('data', (chunk: Uint8Array) => {
      try {
        if (this.#part.sizeBytes + chunk.byteLength > limit) throw this.#tooMany(limit);
        this.#part.append(chunk);
        this.#rate.add(chunk.byteLength);
        this.#report(totalBytes);
      } catch (thrown) {
        body.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    });
    await finished(body);
    const { sizeBytes } = this.#part;
    const expected = totalBytes ?? this.#wanted.expectedBytes ?? sizeBytes;
    if (sizeBytes < expected)
      throw new PassingTrouble(`the connection was cut after ${formatBytes(sizeBytes)}`);
    this.#report(totalBytes, { always: true });
  }

  #report(totalBytes: number | null, { always = false } = {}): void {
    const nowMs = performance.now();
    if (!always && nowMs - this.#reportedAtMs < this.#limits.progressEveryMs) return;
    this.#reportedAtMs = nowMs;
    const bytesPerSecond = this.#rate.bytesPerSecond();
    this.#wanted.onProgress?.({ receivedBytes: this.#part.sizeBytes, totalBytes, bytesPerSecond });
  }

  #maxBytes(): number {
    return this.#wanted.maxBytes ?? this.#wanted.expectedBytes ?? 8e9;
  }

  #checkSize(totalBytes: number | null): void {
    const { expectedBytes } = this.#wanted;
    if (totalBytes === null) return;
    if (expectedBytes !== undefined && totalBytes !== expectedBytes) {
      const message = `${shownUrl(this.#url)} should have ${expectedBytes} bytes, but the server offers ${totalBytes}.`;
      const nextStep = 'Something else answers in its place (such as a login page), or the file has changed.';
      throw new StudioError('DOWNLOAD_FAILED', message, { nextStep });
    }
    if (totalBytes > this.#maxBytes()) throw this.#tooMany(this.#maxBytes());
  }

  #checkRoom(totalBytes: number | null): void {
    const missing = (totalBytes ?? this.#wanted.expectedBytes ?? 0) - this.#part.sizeBytes;
    requireFreeBytes(dirname(this.#wanted.to), missing, `The download of ${basename(this.#wanted.to)}`);
  }

  #tooMany(limit: number): StudioError {
    const message = `Downloading ${shownUrl(this.#url)} failed: the server sends more than ${formatBytes(limit)}.`;
    return new StudioError('DOWNLOAD_FAILED', message, { nextStep: 'Check the address.' });
  }

  #mismatch(wrong: string): StudioError {
    const message = `${shownUrl(this.#url)} is not the file that was expected: ${wrong}.`;
    const nextStep =
      'Try again; if it happens again, the file on the server has changed, or something alters it on the way.';
    return new StudioError('CHECKSUM_MISMATCH', message, { nextStep, place: { file: this.#wanted.to } });
  }

  #publish(): void {
    const { to } = this.#wanted;
    try {
      renamePatiently(nodeFileSystem, this.#part.path, to);
      nodeFileSystem.syncFolder(dirname(to));
      this.#part.forget();
    } catch (thrown) {
      throw writeError(thrown, to);
    }
  }
}

function parseAddress(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  const nextStep = 'Give an address that starts with https:// or http://.';
  throw new StudioError(
    'USAGE',
    `${JSON.stringify(text.slice(0, 200))} is not an address to download from.`,
    { nextStep },
  );
}

async function isAlreadyThere(wanted: DownloadRequest): Promise<boolean> {
  const { to, signal, onProgress } = wanted;
  const status = statSync(to, { throwIfNoEntry: false });
  if (status?.isFile() !== true || !hasSum(wanted)) return false;
  if ((await wrongness(to, wanted, signal)) !== null) return false;
  onProgress?.({ receivedBytes: status.size, totalBytes: status.size, bytesPerSecond: 0 });
  return true;
}
