/** @file Tests. Downloads from servers that cut, stall, lie, change their mind and point elsewhere. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { downloadFile } from '../../main/files/download.ts';
import type { DownloadProgress, DownloadRequest } from '../../main/files/downloadRequest.ts';
import { acquireFileLock } from '../../main/files/fileLock.ts';
import {
  type Answering,
  closedOrigin,
  type LoopbackServer,
  loopbackServer,
  rawServer,
  sendAndCut,
  serve,
} from '../support/loopbackServer.ts';
import { studioRejectionOf } from '../support/studioErrorOf.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const FILE = randomBytes(600_000);
const OTHER = randomBytes(500_000);
const PROXY_VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'];
/** The patience of a person's downloads: a test process that stands still for a moment must not take its own server for stuck. */
const quick = { firstPauseMs: 1, progressEveryMs: 0 };
/** For servers that never answer. */
const impatient = { ...quick, stallMs: 500, headersMs: 500 };

beforeEach(() => {
  for (const name of PROXY_VARIABLES) vi.stubEnv(name, undefined);
  return () => vi.unstubAllEnvs();
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

interface Prepared {
  readonly server: LoopbackServer;
  readonly to: string;
  readonly wanted: DownloadRequest;
}

/** A server, and a request for FILE from it, with its sum unless that is taken away. */
async function prepare(answer: Answering, changes: Partial<DownloadRequest> = {}): Promise<Prepared> {
  const server = await loopbackServer(answer);
  const to = join(temporaryFolder(), 'snli.zip');
  const wanted = { url: `${server.origin}/snli.zip`, to, sha256: sha256(FILE), limits: quick, ...changes };
  return { server, to, wanted };
}

function withoutSum({ sha256: _, ...wanted }: DownloadRequest): DownloadRequest {
  return wanted;
}

/** The file is there as it should be, and nothing else. */
function expectDone(to: string, bytes: Buffer = FILE): void {
  expect(readFileSync(to).equals(bytes)).toBe(true);
  expect(readdirSync(dirname(to))).toEqual(['snli.zip']);
}

describe('a download', () => {
  test('arrives, with its progress told', async () => {
    const seen: DownloadProgress[] = [];
    const onProgress = (progress: DownloadProgress) => seen.push(progress);
    const { wanted, to, server } = await prepare(
      (request, response) => serve(request, response, { bytes: FILE }),
      {
        onProgress,
        expectedBytes: FILE.byteLength,
        sha1: createHash('sha1').update(FILE).digest('hex').toUpperCase(),
      },
    );
    await downloadFile(wanted);
    expectDone(to);
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]!.headers['accept-encoding']).toBe('identity');
    const received = seen.map(({ receivedBytes }) => receivedBytes);
    expect(received).toEqual(received.toSorted((a, b) => a - b));
    expect(received.at(-1)).toBe(FILE.byteLength);
    expect(
      seen.every(({ totalBytes, bytesPerSecond }) => totalBytes === FILE.byteLength && bytesPerSecond >= 0),
    ).toBe(true);
  });

  test('of unknown length and of no length arrives', async () => {
    const chunked = await prepare((_, response) => response.write(FILE, () => response.end()));
    await downloadFile(chunked.wanted);
    expectDone(chunked.to);
    const empty = Buffer.alloc(0);
    const nothing = await prepare((request, response) => serve(request, response, { bytes: empty }), {
      sha256: sha256(empty),
    });
    await downloadFile(nothing.wanted);
    expectDone(nothing.to, empty);
  });

  test('makes its folder, and sends the headers it was given', async () => {
    const { wanted, to, server } = await prepare((request, response) =>
      serve(request, response, { bytes: FILE }),
    );
    const deep = join(dirname(to), 'a', 'b', 'snli.zip');
    await downloadFile({ ...wanted, to: deep, headers: { authorization: 'Bearer x' } });
    expectDone(deep);
    expect(server.requests[0]!.headers.authorization).toBe('Bearer x');
  });

  test('is not made again when the file is there, and replaces another file', async () => {
    const { wanted, to, server } = await prepare((request, response) =>
      serve(request, response, { bytes: FILE }),
    );
    writeFileSync(to, 'old');
    await downloadFile(wanted);
    await downloadFile(wanted);
    expectDone(to);
    expect(server.requests).toHaveLength(1);
  });
});

describe('a cut connection', () => {
  test('is taken up where it was cut, again and again', async () => {
    const { wanted, to, server } = await prepare((request, response) =>
      serve(request, response, { bytes: FILE, etag: '"v1"', cutAfter: 70_000 }),
    );
    await downloadFile({ ...wanted, limits: { ...quick, fruitlessAttempts: 2 } });
    expectDone(to);
    expect(server.requests.length).toBeGreaterThanOrEqual(9);
    expect(server.requests[0]!.headers.range).toBeUndefined();
    for (const request of server.requests.slice(1)) {
      expect(request.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
      expect(request.headers['if-range']).toBe('"v1"');
    }
  });

  test('starts from the beginning when the server ignores ranges', async () => {
    const { wanted, to, server } = await prepare((request, response, count) => {
      delete request.headers.range;
      serve(request, response, { bytes: FILE, etag: '"v1"', ...(count < 3 ? { cutAfter: 100_000 } : {}) });
    });
    await downloadFile(wanted);
    expectDone(to);
    expect(server.requests).toHaveLength(3);
  });

  test('starts from the beginning when the server continues at another place', async () => {
    const { wanted, to, server } = await prepare((request, response, count) => {
      if (count === 2) {
        response.writeHead(206, { 'content-range': `bytes 5-${FILE.byteLength - 1}/${FILE.byteLength}` });
        response.end(FILE.subarray(5));
      } else serve(request, response, { bytes: FILE, ...(count === 1 ? { cutAfter: 100_000 } : {}) });
    });
    await downloadFile(wanted);
    expectDone(to);
    expect(server.requests[2]!.headers.range).toBeUndefined();
  });

  test('without sum and without a tag or date to tell versions apart starts from the beginning', async () => {
    const { wanted, to, server } = await prepare((request, response, count) =>
      serve(request, response, { bytes: FILE, ...(count === 1 ? { cutAfter: 100_000 } : {}) }),
    );
    await downloadFile(withoutSum(wanted));
    expectDone(to);
    expect(server.requests.map(({ headers }) => headers.range)).toEqual([undefined, undefined]);
  });

  test('without sum, and with a weak tag only, starts from the beginning', async () => {
    const { wanted, to, server } = await prepare((request, response, count) =>
      serve(request, response, {
        bytes: FILE,
        etag: 'W/"v1"',
        ...(count === 1 ? { cutAfter: 100_000 } : {}),
      }),
    );
    await downloadFile(withoutSum(wanted));
    expectDone(to);
    expect(server.requests[1]!.headers.range).toBeUndefined();
  });

  test('in every attempt ends the download after a bounded number of them', async () => {
    const { wanted, to, server } = await prepare((_, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.flushHeaders();
      response.socket?.destroySoon();
    });
    const error = await studioRejectionOf(downloadFile(wanted));
    expect(error.code).toBe('DOWNLOAD_FAILED');
    expect(error.message).toContain('after 6 attempts');
    expect(server.requests).toHaveLength(6);
    expect(existsSync(to)).toBe(false);
  });

  test('that brings a little each time still ends after so many attempts', async () => {
    const { wanted, server } = await prepare((request, response) =>
      serve(request, response, { bytes: FILE, etag: '"v1"', cutAfter: 1 }),
    );
    const error = await studioRejectionOf(downloadFile({ ...wanted, limits: { ...quick, attempts: 8 } }));
    expect(error.code).toBe('DOWNLOAD_FAILED');
    expect(server.requests).toHaveLength(8);
  });
});

describe('a file that changes between two attempts', () => {
  const changed = { sha256: sha256(OTHER) };

  test('is fetched anew from a server that says so', async () => {
    const { wanted, to } = await prepare(
      (request, response, count) =>
        count === 1
          ? serve(request, response, { bytes: FILE, etag: '"v1"', cutAfter: 100_000 })
          : serve(request, response, { bytes: OTHER, etag: '"v2"' }),
      changed,
    );
    await downloadFile(wanted);
    expectDone(to, OTHER);
  });

  test('is fetched anew from a server that does not care, but gives it another tag', async () => {
    const sameSize = randomBytes(FILE.byteLength);
    const { wanted, to, server } = await prepare((request, response, count) => {
      delete request.headers['if-range'];
      if (count === 1) serve(request, response, { bytes: FILE, etag: '"v1"', cutAfter: 100_000 });
      else serve(request, response, { bytes: sameSize, etag: '"v2"' });
    });
    await downloadFile(withoutSum(wanted));
    expectDone(to, sameSize);
    expect(server.requests).toHaveLength(3);
  });

  test('is fetched anew when only the sum tells', async () => {
    const same = Buffer.concat([OTHER, randomBytes(FILE.byteLength - OTHER.byteLength)]);
    const { wanted, to, server } = await prepare(
      (request, response, count) =>
        count === 1
          ? serve(request, response, { bytes: FILE, cutAfter: 100_000 })
          : serve(request, response, { bytes: same }),
      { sha256: sha256(same) },
    );
    await downloadFile(wanted);
    expectDone(to, same);
    expect(server.requests.map(({ headers }) => headers.range !== undefined)).toEqual([false, true, false]);
  });
});

describe('a lie about the length', () => {
  test('too short: the sum tells', async () => {
    const { wanted, to } = await prepare((_, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.socket?.end(FILE.subarray(0, 5000));
    });
    const error = await studioRejectionOf(
      downloadFile({ ...wanted, limits: { ...quick, fruitlessAttempts: 1 } }),
    );
    expect(['CHECKSUM_MISMATCH', 'DOWNLOAD_FAILED']).toContain(error.code);
    expect(existsSync(to)).toBe(false);
  });

  test.each([1000, 1_000_000])(
    '%d instead of what is expected: refused before anything is received',
    async (length) => {
      const { wanted, server } = await prepare(
        (_, response) => {
          response.writeHead(200, { 'content-length': length });
          response.write(FILE.subarray(0, 1000));
        },
        { expectedBytes: FILE.byteLength },
      );
      const error = await studioRejectionOf(downloadFile(wanted));
      expect(error.code).toBe('DOWNLOAD_FAILED');
      expect(error.message).toContain(`${FILE.byteLength} bytes, but the server offers ${length}`);
      expect(server.requests).toHaveLength(1);
    },
  );

  test('too long, but the server admits it when asked for the rest', async () => {
    const { wanted, to } = await prepare((request, response, count) => {
      if (count > 1) return serve(request, response, { bytes: FILE });
      response.writeHead(200, { 'content-length': FILE.byteLength + 50 });
      sendAndCut(response, FILE);
    });
    await downloadFile(wanted);
    expectDone(to);
  });

  test('too long, over and over', async () => {
    const { wanted, to } = await prepare((_, response) => {
      response.writeHead(200, { 'content-length': FILE.byteLength + 50 });
      sendAndCut(response, FILE);
    });
    const error = await studioRejectionOf(downloadFile(withoutSum(wanted)));
    expect(error.code).toBe('DOWNLOAD_FAILED');
    expect(error.message).toContain('cut');
    expect(existsSync(to)).toBe(false);
  });

  test('none at all, and no end: stopped at the limit', async () => {
    const { wanted, to } = await prepare(
      (_, response) => {
        const more = () => {
          while (!response.destroyed && response.write(FILE));
        };
        response.on('drain', more);
        more();
      },
      { maxBytes: 2_000_000 },
    );
    const error = await studioRejectionOf(downloadFile(wanted));
    expect(error.code).toBe('DOWNLOAD_FAILED');
    expect(error.message).toContain('more than 2.0 MB');
    expect(existsSync(to)).toBe(false);
  });

  test('a length above the limit is refused, and one above the free space as well', async () => {
    const { wanted } = await prepare((_, response) => {
      response.writeHead(200, { 'content-length': 4e15 }).flushHeaders();
    });
    const tooLarge = await studioRejectionOf(downloadFile(wanted));
    expect([tooLarge.code, tooLarge.message.includes('8.0 GB')]).toEqual(['DOWNLOAD_FAILED', true]);
    const noRoom = await studioRejectionOf(downloadFile({ ...wanted, maxBytes: 1e16 }));
    expect([noRoom.code, noRoom.message.includes('4000.0 TB')]).toEqual(['DISK_FULL', true]);
  });
});

describe('wrong bytes', () => {
  test('are refused with both sums, at once, and an older file is not touched', async () => {
    const { wanted, to, server } = await prepare((request, response) =>
      serve(request, response, { bytes: OTHER }),
    );
    writeFileSync(to, 'older');
    const error = await studioRejectionOf(downloadFile(wanted));
    expect(error.code).toBe('CHECKSUM_MISMATCH');
    expect(error.message).toContain(sha256(FILE));
    expect(error.message).toContain(sha256(OTHER));
    expect(error.nextStep).not.toBe('');
    expect(server.requests).toHaveLength(1);
    expect(readFileSync(to, 'utf8')).toBe('older');
    expect(readdirSync(dirname(to))).toEqual(['snli.zip']);
  });

  test('by SHA-1, and by size alone', async () => {
    const { wanted } = await prepare((request, response) => serve(request, response, { bytes: OTHER }));
    const bySha1 = await studioRejectionOf(downloadFile({ ...withoutSum(wanted), sha1: 'f'.repeat(40) }));
    expect([bySha1.code, bySha1.message.includes('SHA-1')]).toEqual(['CHECKSUM_MISMATCH', true]);
    const unsized = await prepare((_, response) => response.write(OTHER, () => response.end()));
    const bySize = await studioRejectionOf(
      downloadFile({
        ...withoutSum(unsized.wanted),
        expectedBytes: 500_001,
        limits: { ...quick, fruitlessAttempts: 1 },
      }),
    );
    expect(bySize.code).toBe('DOWNLOAD_FAILED');
  });

  test('that were compressed on the way, unasked, are refused', async () => {
    const { wanted } = await prepare((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(FILE);
    });
    const error = await studioRejectionOf(downloadFile(wanted));
    expect([error.code, error.message.includes('gzip')]).toEqual(['DOWNLOAD_FAILED', true]);
  });
});

describe('redirects', () => {
  test('are followed, relative and to other servers, which are not told secrets', async () => {
    const other = await loopbackServer((request, response) => serve(request, response, { bytes: FILE }));
    const { wanted, to, server } = await prepare((request, response) => {
      const location = request.url === '/snli.zip' ? 'mirror/one' : `${other.origin}/two`;
      response.writeHead(302, { location }).end('look there');
    });
    await downloadFile({
      ...wanted,
      headers: { authorization: 'Bearer secret', Cookie: 'a=b', 'x-kept': '1' },
    });
    expectDone(to);
    expect(server.requests.map(({ url }) => url)).toEqual(['/snli.zip', '/mirror/one']);
    expect(server.requests[1]!.headers.authorization).toBe('Bearer secret');
    const { authorization, cookie, 'x-kept': kept } = other.requests[0]!.headers;
    expect([authorization, cookie, kept]).toEqual([undefined, undefined, '1']);
  });

  test('keep the range when a cut download goes on', async () => {
    const { wanted, to, server } = await prepare((request, response) => {
      if (request.url === '/snli.zip') response.writeHead(307, { location: '/real' }).end();
      else serve(request, response, { bytes: FILE, etag: '"v1"', cutAfter: 400_000 });
    });
    await downloadFile(wanted);
    expectDone(to);
    expect(server.requests.at(-1)!.headers.range).toMatch(/^bytes=[1-9]/);
  });

  test.each(['file:///etc/passwd', 'data:text/plain,x', 'ftp://127.0.0.1/x', 'javascript:1', 'http://', ''])(
    'to %j are not',
    async (location) => {
      const { wanted, to, server } = await prepare((_, response) =>
        response.writeHead(301, { location }).end(),
      );
      const error = await studioRejectionOf(downloadFile({ ...wanted, limits: { ...quick } }));
      expect([error.code, error.message.includes('redirects')]).toEqual(['DOWNLOAD_FAILED', true]);
      expect(server.requests.length).toBeLessThanOrEqual(11);
      expect(existsSync(to)).toBe(false);
    },
  );

  test('in a circle end', async () => {
    const { wanted, server } = await prepare((_, response) =>
      response.writeHead(308, { location: '/again' }).end(),
    );
    const error = await studioRejectionOf(downloadFile(wanted));
    expect([error.code, error.message.includes('more than 10')]).toEqual(['DOWNLOAD_FAILED', true]);
    expect(server.requests).toHaveLength(11);
  });
});

describe('a server in trouble', () => {
  test('that stalls, before or within its answer, is asked again', async () => {
    const silent = 100_000;
    let silences = 0;
    // By what it is asked for, not by how often: whoever is slow to take the first bytes may ask for them again.
    const { wanted, to, server } = await prepare((request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (from < silent) {
        const range = `bytes ${from}-${FILE.byteLength - 1}/${FILE.byteLength}`;
        const left = { 'content-length': FILE.byteLength - from, etag: '"v1"' };
        response.writeHead(from === 0 ? 200 : 206, from === 0 ? left : { ...left, 'content-range': range });
        response.write(FILE.subarray(from, silent));
      } else if (silences++ > 0) serve(request, response, { bytes: FILE, etag: '"v1"' });
    });
    await downloadFile({ ...wanted, limits: impatient });
    expectDone(to);
    expect(silences).toBeGreaterThan(1);
    expect(server.requests.at(-1)!.headers.range).toBe(`bytes=${silent}-`);
  });

  test.each([408, 429, 500, 503])('that answers %d is asked again, when it says so', async (status) => {
    const { wanted, to } = await prepare((request, response, count) => {
      if (count < 3) response.writeHead(status, { 'retry-after': '0' }).end('trouble');
      else serve(request, response, { bytes: FILE });
    });
    await downloadFile({ ...wanted, limits: { ...quick, firstPauseMs: 1e9 } });
    expectDone(to);
  });

  test('for good is given up', async () => {
    const { wanted, server } = await prepare((_, response) => response.writeHead(503).end());
    const error = await studioRejectionOf(downloadFile(wanted));
    expect([error.code, error.message.includes('503')]).toEqual(['DOWNLOAD_FAILED', true]);
    expect(server.requests).toHaveLength(6);
  });

  test.each([204, 304, 400, 401, 403, 404, 410])('that answers %d is not asked again', async (status) => {
    const { wanted, to, server } = await prepare((_, response) => response.writeHead(status).end());
    const error = await studioRejectionOf(downloadFile(wanted));
    expect([error.code, error.message.includes(`${status}`)]).toEqual(['DOWNLOAD_FAILED', true]);
    expect(server.requests).toHaveLength(1);
    expect(existsSync(to)).toBe(false);
  });

  test('that does not speak HTTP is given up', async () => {
    const url = await rawServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'));
    const { wanted } = await prepare(() => {});
    expect((await studioRejectionOf(downloadFile({ ...wanted, url }))).code).toBe('DOWNLOAD_FAILED');
  });
});

describe('without a connection', () => {
  test('it is OFFLINE at once, with what to do', async () => {
    const { wanted, to } = await prepare(() => {});
    const url = `${await closedOrigin()}/snli.zip?token=secret`;
    const error = await studioRejectionOf(
      downloadFile({ ...wanted, url, limits: { ...quick, firstPauseMs: 1e9 } }),
    );
    expect(error.code).toBe('OFFLINE');
    expect(error.message).toContain('cannot be reached: the connection was refused');
    expect(error.message).not.toContain('secret');
    expect(error.nextStep).toContain('internet');
    expect(existsSync(to)).toBe(false);
  });

  test('a finished part gets its name without asking anybody', async () => {
    const { wanted, to } = await prepare(() => {});
    const url = `${await closedOrigin()}/snli.zip`;
    writeFileSync(`${to}.part`, FILE);
    const note = { url, etag: null, lastModified: null, totalBytes: FILE.byteLength };
    writeFileSync(`${to}.part.json`, JSON.stringify(note));
    await downloadFile({ ...wanted, url });
    expectDone(to);
  });

  test.each(['', 'snli.zip', 'ftp://127.0.0.1/x', 'file:///etc/passwd', 'http://'])(
    '%j is no address',
    async (url) => {
      const { wanted } = await prepare(() => {});
      expect((await studioRejectionOf(downloadFile({ ...wanted, url }))).code).toBe('USAGE');
    },
  );
});

describe('cancelling', () => {
  /** Cancels when the first bytes have come. */
  async function cancelled({ wanted }: Prepared): Promise<void> {
    const controller = new AbortController();
    const onProgress = ({ receivedBytes }: DownloadProgress) => {
      if (receivedBytes > 0) controller.abort();
    };
    const error = await studioRejectionOf(downloadFile({ ...wanted, signal: controller.signal, onProgress }));
    expect(error.code).toBe('CANCELLED');
  }

  function serveSlowly(): Promise<Prepared> {
    return prepare((request, response, count) => {
      if (count > 1) return serve(request, response, { bytes: FILE, etag: '"v1"' });
      response.writeHead(200, { 'content-length': FILE.byteLength, etag: '"v1"' });
      response.write(FILE.subarray(0, 200_000));
    });
  }

  test('keeps the part, and the next download goes on from there', async () => {
    const prepared = await serveSlowly();
    await cancelled(prepared);
    expect(readdirSync(dirname(prepared.to)).sort()).toEqual(['snli.zip.part', 'snli.zip.part.json']);
    const { size } = statSync(`${prepared.to}.part`);
    await downloadFile(prepared.wanted);
    expectDone(prepared.to);
    expect(prepared.server.requests[1]!.headers.range).toBe(`bytes=${size}-`);
  });

  test.each<[string, (to: string) => void, boolean]>([
    ['of another address', (to) => rewriteNote(to, { url: 'http://127.0.0.1/other' }), false],
    ['whose note is garbage', (to) => writeFileSync(`${to}.part.json`, '{"url":'), false],
    ['that is longer than the file', (to) => writeFileSync(`${to}.part`, Buffer.concat([FILE, FILE])), true],
    ['that was damaged since', (to) => writeFileSync(`${to}.part`, Buffer.alloc(200_000)), true],
  ])('leaves a part %s unused', async (_, damage, isAskedToContinue) => {
    const prepared = await serveSlowly();
    await cancelled(prepared);
    damage(prepared.to);
    await downloadFile(prepared.wanted);
    expectDone(prepared.to);
    expect(prepared.server.requests[1]!.headers.range !== undefined).toBe(isAskedToContinue);
    expect(prepared.server.requests.at(-1)!.headers.range).toBeUndefined();
  });

  test('leaves a part for later only if a sum will tell whether it is sound', async () => {
    const prepared = await serveSlowly();
    await cancelled(prepared);
    await downloadFile(withoutSum(prepared.wanted));
    expectDone(prepared.to);
    expect(prepared.server.requests[1]!.headers.range).toBeUndefined();
  });

  test('works before the start and in a pause', async () => {
    const { wanted, server } = await prepare((_, response) => response.writeHead(503).end());
    const aborted = await studioRejectionOf(downloadFile({ ...wanted, signal: AbortSignal.abort() }));
    expect([aborted.code, server.requests.length]).toEqual(['CANCELLED', 0]);
    const controller = new AbortController();
    const waiting = downloadFile({
      ...wanted,
      signal: controller.signal,
      limits: { ...quick, firstPauseMs: 1e9 },
    });
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    expect((await studioRejectionOf(waiting)).code).toBe('CANCELLED');
  });
});

test('a download whose process is killed goes on in the next one', async () => {
  const { wanted, to, server } = await prepare((request, response, count) => {
    if (count > 1) return serve(request, response, { bytes: FILE, etag: '"v1"' });
    response.writeHead(200, { 'content-length': FILE.byteLength, etag: '"v1"' });
    response.write(FILE.subarray(0, 200_000));
  });
  const program = `import { downloadFile } from ${JSON.stringify(join(import.meta.dirname, '../../main/files/download.ts'))};
    await downloadFile(${JSON.stringify({ url: wanted.url, to, sha256: wanted.sha256 })});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' });
  while ((statSync(`${to}.part`, { throwIfNoEntry: false })?.size ?? 0) < 200_000) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  await downloadFile(wanted);
  expectDone(to);
  expect(server.requests[1]!.headers.range).toBe('bytes=200000-');
});

function rewriteNote(to: string, changes: object): void {
  const note: object = JSON.parse(readFileSync(`${to}.part.json`, 'utf8'));
  writeFileSync(`${to}.part.json`, JSON.stringify({ ...note, ...changes }));
}

describe('on this side', () => {
  test('two downloads to one file: the second is refused, and says by whom', async () => {
    const { wanted, to, server } = await prepare((request, response) =>
      serve(request, response, { bytes: FILE }),
    );
    const lock = acquireFileLock(`${to}.part.lock`, { purpose: 'downloading snli.zip' });
    const error = await studioRejectionOf(downloadFile(wanted));
    expect([error.code, error.message.includes('downloading snli.zip')]).toEqual(['LOCKED', true]);
    expect(server.requests).toHaveLength(0);
    lock.release();
    await downloadFile(wanted);
    expectDone(to);
  });

  test('a place that cannot be written is named', async () => {
    const { wanted, to } = await prepare((request, response) => serve(request, response, { bytes: FILE }));
    writeFileSync(join(dirname(to), 'file'), '');
    const inFile = await studioRejectionOf(
      downloadFile({ ...wanted, to: join(dirname(to), 'file', 'snli.zip') }),
    );
    expect(inFile.code).toBe('WRITE_FAILED');
    mkdirSync(join(dirname(to), 'taken', 'x'), { recursive: true });
    const onFolder = await studioRejectionOf(downloadFile({ ...wanted, to: join(dirname(to), 'taken') }));
    expect([onFolder.code, onFolder.message.includes('taken')]).toEqual(['WRITE_FAILED', true]);
  });

  test('a defect in the caller is not mistaken for trouble with the network', async () => {
    const { wanted, server } = await prepare((request, response) =>
      serve(request, response, { bytes: FILE }),
    );
    const onProgress = () => {
      throw new TypeError('a defect');
    };
    await expect(downloadFile({ ...wanted, onProgress })).rejects.toThrow('a defect');
    expect(server.requests).toHaveLength(1);
  });
});
