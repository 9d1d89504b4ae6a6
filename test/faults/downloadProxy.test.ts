/** @file Tests. Downloads through the proxy that the environment names. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { downloadFile } from '../../main/files/download.ts';
import { closedOrigin, loopbackServer, serve } from '../support/loopbackServer.ts';
import { studioRejectionOf } from '../support/studioErrorOf.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const FILE = Buffer.from('through the proxy');
const sha256 = createHash('sha256').update(FILE).digest('hex');
const limits = { firstPauseMs: 1, fruitlessAttempts: 2 };

beforeEach(() => {
  for (const name of ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY']) {
    vi.stubEnv(name, undefined);
  }
});
afterEach(() => vi.unstubAllEnvs());

/** A proxy that answers plain requests itself and refuses to tunnel. */
async function proxy(): Promise<{ origin: string; asked: string[]; authorisations: (string | undefined)[] }> {
  const asked: string[] = [];
  const authorisations: (string | undefined)[] = [];
  const server = await loopbackServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    authorisations.push(request.headers['proxy-authorization']);
    serve(request, response, { bytes: FILE });
  });
  return { origin: server.origin, asked, authorisations };
}

test('HTTP_PROXY is asked for the whole address', async () => {
  const { origin, asked } = await proxy();
  vi.stubEnv('HTTP_PROXY', origin);
  const to = join(temporaryFolder(), 'file');
  await downloadFile({ url: 'http://nlp.invalid/projects/snli.zip', to, sha256, limits });
  expect(asked).toEqual(['GET http://nlp.invalid/projects/snli.zip']);
  expect(readFileSync(to).equals(FILE)).toBe(true);
});

test('NO_PROXY goes around it', async () => {
  const { origin, asked } = await proxy();
  const server = await loopbackServer((request, response) => serve(request, response, { bytes: FILE }));
  vi.stubEnv('HTTP_PROXY', origin);
  vi.stubEnv('NO_PROXY', 'example.org,127.0.0.1');
  await downloadFile({ url: `${server.origin}/x`, to: join(temporaryFolder(), 'file'), sha256, limits });
  expect([asked, server.requests.length]).toEqual([[], 1]);
});

test('a name and password are told to the proxy and to nobody else', async () => {
  const { origin, authorisations } = await proxy();
  const withPassword = origin.replace('http://', 'http://user:secret@');
  vi.stubEnv('http_proxy', withPassword);
  await downloadFile({ url: 'http://nlp.invalid/x', to: join(temporaryFolder(), 'file'), sha256, limits });
  expect(authorisations).toEqual([`Basic ${Buffer.from('user:secret').toString('base64')}`]);
  vi.stubEnv('http_proxy', (await closedOrigin()).replace('http://', 'http://user:secret@'));
  const to = join(temporaryFolder(), 'file');
  const error = await studioRejectionOf(downloadFile({ url: 'http://nlp.invalid/x', to, sha256, limits }));
  expect(error.code).toBe('OFFLINE');
  expect(error.nextStep).toContain('the proxy 127.0.0.1:');
  expect(`${error.message} ${error.nextStep}`).not.toContain('secret');
});

test('HTTPS_PROXY is asked for a tunnel, and its refusal is told', async () => {
  const tunnels: (string | undefined)[] = [];
  const server = createServer();
  server.on('connect', (request, socket) => {
    tunnels.push(request.url);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const to = join(temporaryFolder(), 'file');
  const error = await studioRejectionOf(downloadFile({ url: 'https://nlp.invalid/x', to, sha256, limits }));
  expect([error.code, error.message.includes('403')]).toEqual(['DOWNLOAD_FAILED', true]);
  expect(tunnels).toContain('nlp.invalid:443');
  server.close();
});

test('a proxy that wants a password, and one that is no address, are explained', async () => {
  const server = await loopbackServer((_, response) => response.writeHead(407).end());
  vi.stubEnv('HTTP_PROXY', server.origin);
  const request = { url: 'http://nlp.invalid/x', to: join(temporaryFolder(), 'file'), sha256, limits };
  const wantsPassword = await studioRejectionOf(downloadFile(request));
  expect([wantsPassword.code, wantsPassword.message.includes('407')]).toEqual(['DOWNLOAD_FAILED', true]);
  expect(server.requests).toHaveLength(1);
  vi.stubEnv('HTTP_PROXY', 'proxy without scheme');
  expect((await studioRejectionOf(downloadFile(request))).code).toBe('USAGE');
});
