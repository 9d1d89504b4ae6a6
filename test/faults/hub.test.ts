/** @file Tests. A hub that pages, redirects, refuses, cuts, lies and is slow: what is asked, kept and told. */

import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { downloadHubFiles, type HubDownload, waitingFolder } from '../../main/hub/hubFiles.ts';
import { parseHubReference } from '../../main/hub/hubReference.ts';
import { askRepository, type HubRepository } from '../../main/hub/hubRepository.ts';
import { hubSettings } from '../../main/hub/hubSettings.ts';
import { HUB_COMMIT, type HubContent, type HubServer, hubServer, sha256 } from '../support/hubServer.ts';
import { closedOrigin, sendAndCut } from '../support/loopbackServer.ts';
import { studioRejectionOf } from '../support/studioErrorOf.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const WEIGHTS = randomBytes(400_000);
const CONTENT: HubContent = {
  repository: 'owner/tiny-bert',
  files: {
    'config.json': '{"model_type":"bert"}',
    'vocab.txt': '[PAD]\n',
    'model.safetensors': WEIGHTS,
    'sub folder/é.txt': 'x',
  },
  large: ['model.safetensors'],
  card: { license: 'apache-2.0' },
};
const OTHER_COMMIT = 'f'.repeat(40);
const TOKEN = 'hf_secret';
/** The patience of a person's downloads: a test process that stands still for a moment must not take its own hub for stuck. */
const limits = { firstPauseMs: 1, progressEveryMs: 0 };
/** For a hub that never answers. */
const impatient = { ...limits, stallMs: 300, headersMs: 300, fruitlessAttempts: 2 };

beforeEach(() => {
  for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'])
    vi.stubEnv(name, undefined);
  return () => vi.unstubAllEnvs();
});

function settingsFor(origin: string, token: string | null = null) {
  const environment = { HF_ENDPOINT: origin, HF_HOME: temporaryFolder() };
  return hubSettings(token === null ? environment : { ...environment, HF_TOKEN: token });
}

async function ask({ origin }: { origin: string }, text = 'hf:owner/tiny-bert', token: string | null = null) {
  return await askRepository('model', parseHubReference(text), {
    settings: settingsFor(origin, token),
    limits,
  });
}

interface Fetching {
  readonly server: HubServer;
  readonly repository: HubRepository;
  readonly folder: string;
  readonly download: HubDownload;
}

async function prepare(server: HubServer, token: string | null = null): Promise<Fetching> {
  const repository = await ask(server, undefined, token);
  const folder = waitingFolder(temporaryFolder(), repository);
  const settings = settingsFor(server.origin, token);
  return {
    server,
    repository,
    folder,
    download: { settings, repository, files: repository.files, folder, limits },
  };
}

/** For answers of one line: the test has answered, the hub need not. */
function sent(_response: ServerResponse): true {
  return true;
}

const authorisations = (requests: readonly IncomingMessage[]) => [
  ...new Set(requests.map(({ headers }) => headers.authorization)),
];

describe('a repository', () => {
  test('is known by its commit, its licence, and each file with size and sum, over several pages', async () => {
    const server = await hubServer({ ...CONTENT, pageSize: 2 });
    const repository = await ask(server);
    expect(repository).toMatchObject({ name: 'owner/tiny-bert', commit: HUB_COMMIT, license: 'apache-2.0' });
    expect(repository.files.map(({ path }) => path)).toEqual(Object.keys(CONTENT.files));
    const weights = repository.files.find(({ path }) => path === 'model.safetensors');
    expect(weights).toEqual({
      path: 'model.safetensors',
      sizeBytes: 400_000,
      sum: { sha256: sha256(WEIGHTS) },
    });
    expect(server.hub.requests.length).toBe(4);
  });

  test('of a revision is that of its commit', async () => {
    const server = await hubServer({
      ...CONTENT,
      revisions: { 'refs/pr/1': OTHER_COMMIT },
      filesAt: { [OTHER_COMMIT]: { 'config.json': '{}' } },
    });
    const repository = await ask(server, 'hf:owner/tiny-bert@refs/pr/1');
    expect(repository.commit).toBe(OTHER_COMMIT);
    expect(repository.files.map(({ path }) => path)).toEqual(['config.json']);
  });

  test('that has another name today is found where the hub points', async () => {
    const server = await hubServer(CONTENT, {
      hub: ({ url }, response) => {
        if (!url!.startsWith('/api/models/tiny-bert/')) return false;
        response.writeHead(307, { location: url!.replace('tiny-bert', 'owner/tiny-bert') }).end();
        return true;
      },
    });
    expect((await ask(server, 'hf:tiny-bert')).name).toBe('owner/tiny-bert');
  });

  test.each([
    ['without a name on the hub', 'hf:owner/other', {}, null, 'NOT_FOUND', /HF_TOKEN/],
    ['without that revision', 'hf:owner/tiny-bert@v9', {}, null, 'NOT_FOUND', /revision|branch/],
    ['that is private', 'hf:owner/tiny-bert', { access: 'private' }, null, 'NOT_FOUND', /HF_TOKEN/],
    [
      'that is not for this token',
      'hf:owner/tiny-bert',
      { access: 'private', token: TOKEN },
      'hf_other',
      'NOT_FOUND',
      /your token/,
    ],
  ] as const)('%s is told by name', async (_, text, changes, token, code, nextStep) => {
    const server = await hubServer({ ...CONTENT, ...changes });
    const error = await studioRejectionOf(ask(server, text, token));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
    expect(error.nextStep).toMatch(nextStep);
  });

  test.each([
    [401, 'UNAUTHORISED'],
    [403, 'FORBIDDEN'],
    [404, 'NOT_FOUND'],
    [418, 'DOWNLOAD_FAILED'],
    [429, 'TOO_MANY_ATTEMPTS'],
  ] as const)('a bare status %i is told as %s', async (status, code) => {
    const server = await hubServer(CONTENT, {
      hub: (_, response) => sent(response.writeHead(status).end()),
    });
    expect((await studioRejectionOf(ask(server))).code).toBe(code);
  });

  test('a hub that wants a pause gets it', async () => {
    const server = await hubServer(CONTENT, {
      hub: (_, response, count) => {
        if (count > 2) return false;
        response.writeHead(429, { 'retry-after': '0' }).end();
        return true;
      },
    });
    expect((await ask(server)).commit).toBe(HUB_COMMIT);
  });

  test('a hub that wants a long pause is not waited for', async () => {
    const server = await hubServer(CONTENT, {
      hub: (_, response) => sent(response.writeHead(429, { 'retry-after': '3600' }).end()),
    });
    expect((await studioRejectionOf(ask(server))).code).toBe('TOO_MANY_ATTEMPTS');
    expect(server.hub.requests).toHaveLength(1);
  });

  test.each([
    ['HTML', '<html>login</html>'],
    ['another JSON', '{"id":7}'],
    ['nothing', ''],
  ])('%s instead of an answer is told', async (_, body) => {
    const server = await hubServer(CONTENT, { hub: (_request, response) => sent(response.end(body)) });
    const error = await studioRejectionOf(ask(server));
    expect(error.code).toBe('DOWNLOAD_FAILED');
    expect(error.nextStep).toContain('HF_ENDPOINT');
  });

  test.each(['../escape', '/absolute', 'a/../../b', 'a\\b', '..'])(
    'a file called %s is refused',
    async (path) => {
      const server = await hubServer(CONTENT, {
        hub: ({ url }, response) => {
          if (!url!.includes('/tree/')) return false;
          response.end(JSON.stringify([{ type: 'file', path, size: 1, oid: '0'.repeat(40) }]));
          return true;
        },
      });
      expect((await studioRejectionOf(ask(server))).code).toBe('DOWNLOAD_FAILED');
    },
  );

  test('nobody there is OFFLINE', async () => {
    expect((await studioRejectionOf(ask({ origin: await closedOrigin() }))).code).toBe('OFFLINE');
  });
});

describe('its files', () => {
  test('arrive with their folders, large ones from the other host, which never sees the token', async () => {
    const server = await hubServer({ ...CONTENT, access: 'private', token: TOKEN });
    const { download, folder } = await prepare(server, TOKEN);
    const seen: number[] = [];
    await downloadHubFiles({ ...download, onProgress: ({ receivedBytes }) => seen.push(receivedBytes) });
    expect(readFileSync(join(folder, 'model.safetensors')).equals(WEIGHTS)).toBe(true);
    expect(readFileSync(join(folder, 'sub folder', 'é.txt'), 'utf8')).toBe('x');
    expect(authorisations(server.hub.requests)).toEqual([`Bearer ${TOKEN}`]);
    expect(authorisations(server.store.requests)).toEqual([undefined]);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(download.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
  });

  test('that are there and right are not fetched again', async () => {
    const server = await hubServer(CONTENT);
    const { download } = await prepare(server);
    await downloadHubFiles(download);
    const asked = server.hub.requests.length;
    await downloadHubFiles(download);
    expect(server.hub.requests.length).toBe(asked);
  });

  test('go on where an earlier download was cut off', async () => {
    const server = await hubServer(CONTENT, {
      store: (_, response, count) => {
        if (count > 1) return false;
        response.writeHead(200, { 'content-length': WEIGHTS.length, etag: `"${sha256(WEIGHTS)}"` });
        sendAndCut(response, WEIGHTS.subarray(0, 150_000));
        return true;
      },
    });
    const { download, folder } = await prepare(server);
    const once = { ...limits, fruitlessAttempts: 1, attempts: 1 };
    expect((await studioRejectionOf(downloadHubFiles({ ...download, limits: once }))).code).toBe(
      'DOWNLOAD_FAILED',
    );
    expect(existsSync(join(folder, 'model.safetensors'))).toBe(false);
    await downloadHubFiles(download);
    expect(server.store.requests.at(-1)!.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
    expect(readFileSync(join(folder, 'model.safetensors')).equals(WEIGHTS)).toBe(true);
  });

  test.each([
    ['of large storage', 'model.safetensors'],
    ['of the repository', 'config.json'],
  ])('with other bytes than the hub says, %s, are not kept', async (_, path) => {
    const lie = (length: number) => Buffer.alloc(length, 7);
    const server = await hubServer(CONTENT, {
      hub: ({ url }, response) => {
        if (path !== 'config.json' || !url!.endsWith('/config.json')) return false;
        response.end(lie(Buffer.byteLength(String(CONTENT.files[path]))));
        return true;
      },
      store: (_request, response) => {
        if (path === 'config.json') return false;
        response.end(lie(WEIGHTS.length));
        return true;
      },
    });
    const { download, folder } = await prepare(server);
    expect((await studioRejectionOf(downloadHubFiles(download))).code).toBe('CHECKSUM_MISMATCH');
    expect(existsSync(join(folder, path))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  test.each([
    [undefined, null, 'UNAUTHORISED', /Accept them.*HF_TOKEN/],
    ['hf_right', 'hf_wrong', 'FORBIDDEN', /Accept them/],
  ] as const)('behind terms (%s) are told by name', async (right, token, code, nextStep) => {
    const server = await hubServer({
      ...CONTENT,
      access: 'gated',
      ...(right === undefined ? {} : { token: right }),
    });
    const { download } = await prepare(server, token);
    const error = await studioRejectionOf(downloadHubFiles(download));
    expect(error.code).toBe(code);
    expect(error.message).toContain('terms');
    expect(error.nextStep).toMatch(nextStep);
  });

  test('that vanish meanwhile, and a server that stalls, are told', async () => {
    const gone = await hubServer(CONTENT);
    const { download } = await prepare(gone);
    const files = [{ path: 'gone.bin', sizeBytes: 3, sum: { gitSha1: '0'.repeat(40) } }];
    expect((await studioRejectionOf(downloadHubFiles({ ...download, files }))).code).toBe('NOT_FOUND');
    const slow = await hubServer(CONTENT, { store: () => true });
    const stalled = await prepare(slow);
    const error = await studioRejectionOf(downloadHubFiles({ ...stalled.download, limits: impatient }));
    expect(error.code).toBe('DOWNLOAD_FAILED');
    expect(error.message).toContain('does not answer');
  });

  test('stop when they are cancelled, and the part stays', async () => {
    const cancel = new AbortController();
    const server = await hubServer(CONTENT, {
      store: (_, response) => {
        response.writeHead(200, { 'content-length': WEIGHTS.length, etag: '"x"' });
        response.write(WEIGHTS.subarray(0, 100_000));
        return true;
      },
    });
    const { download, folder } = await prepare(server);
    const onProgress = ({ receivedBytes }: { receivedBytes: number }) => {
      if (receivedBytes > 50_000) cancel.abort();
    };
    const run = downloadHubFiles({ ...download, signal: cancel.signal, onProgress });
    expect((await studioRejectionOf(run)).code).toBe('CANCELLED');
    expect(existsSync(join(folder, 'model.safetensors.part'))).toBe(true);
  });
});
