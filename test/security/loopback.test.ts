/** @file Tests. The loopback server against thirty requests that it must not, or must, answer (safety.md B4). */
import { connect } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LoopbackServer } from '../../main/headless/server.ts';
import { Sessions } from '../../main/headless/sessions.ts';
import { CONTENT_SECURITY_POLICY } from '../../main/rpc/pageHeaders.ts';
import type { HostedStudio } from '../../main/studio/hosting.ts';
import { openHosted, serve } from '../support/hostedStudio.ts';

let studio: HostedStudio;
let server: LoopbackServer;
let cookie: string;

beforeAll(async () => {
  studio = openHosted();
  server = await serve(studio, { publicOrigins: ['https://box.example:8443'] });
  const opened = await fetch(`${server.origin}/session`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Origin: server.origin },
    body: JSON.stringify({ key: server.key }),
  });
  expect(opened.status).toBe(200);
  cookie = opened.headers.get('set-cookie') ?? '';
});

/** Sends bytes as they are, and gives back the whole answer; "" when the server only hangs up. */
function raw(text: string, { port = server.port, keepWriting = '' } = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    const timer = keepWriting === '' ? null : setInterval(() => socket.write(keepWriting, () => {}), 200);
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (timer !== null) clearInterval(timer);
      resolve(answer);
    });
  });
}

interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Status of a request with a Host of our own unless told; each header as it is given. */
async function status({ method = 'GET', path = '/', headers = {}, body = '' }: Ask): Promise<number> {
  const all = {
    Host: `127.0.0.1:${server.port}`,
    Connection: 'close',
    'Content-Length': String(body.length),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const answer = await raw(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
}

const own = () => ({
  Origin: server.origin,
  'Content-Type': 'application/json',
  Cookie: cookie.split(';')[0]!,
});
const rpc = (headers: Readonly<Record<string, string>>, body = '{}') =>
  status({ method: 'POST', path: '/rpc/app/info', headers, body });
const without = (name: string) => Object.fromEntries(Object.entries(own()).filter(([key]) => key !== name));

describe('Host', () => {
  it('H1 none: 400', async () => {
    expect(await raw('GET / HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/);
  });

  it.each([
    ['H2', 'evil.com:PORT'],
    ['H3', '127.0.0.1.evil.com'],
    ['H4', 'localhost.'],
    ['H6', '[::1]:PORT'],
    ['H7', '127.0.0.1:1'],
    ['H8', '127.1:PORT'],
    ['H8', '0x7f.1:PORT'],
    ['H8', '2130706433:PORT'],
  ])('%s %s: 403', async (_, host) => {
    expect(await status({ headers: { Host: host.replace('PORT', String(server.port)) } })).toBe(403);
  });

  it('H5 in capitals, and the public one: 200', async () => {
    expect(await status({ headers: { Host: `LOCALHOST:${server.port}` } })).toBe(200);
    expect(await status({ headers: { Host: 'box.example:8443' } })).toBe(200);
  });

  it('H9 twice: 400, though Node would take the first', async () => {
    const host = `Host: 127.0.0.1:${server.port}\r\n`;
    expect(await raw(`GET / HTTP/1.1\r\n${host}${host}Connection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400/);
  });
});

describe('Origin and session', () => {
  it('answers the page that has a session, and a script that has the key', async () => {
    expect(await rpc(own())).toBe(200);
    expect(await rpc({ ...own(), Origin: 'https://box.example:8443', Host: 'box.example:8443' })).toBe(200);
    expect(await rpc({ 'Content-Type': 'application/json', Authorization: `Bearer ${server.key}` })).toBe(
      200,
    );
  });

  it.each(['null', 'http://127.0.0.1:1', 'http://127.0.0.1:PORT.evil.com', 'https://127.0.0.1:PORT'])(
    'H10 to H13 origin %s: 403',
    async (origin) => {
      expect(await rpc({ ...own(), Origin: origin.replace('PORT', String(server.port)) })).toBe(403);
    },
  );

  it('H14, H15 from nowhere, or from another site: 403', async () => {
    expect(await rpc(without('Origin'))).toBe(403);
    expect(await rpc({ ...own(), 'Sec-Fetch-Site': 'same-site' })).toBe(403);
    expect(await rpc({ ...without('Origin'), 'Sec-Fetch-Site': 'cross-site' })).toBe(403);
    expect(await rpc({ ...without('Origin'), 'Sec-Fetch-Site': 'same-origin' })).toBe(200);
  });

  it('H16 to H20, H22 without a session, with a wrong, short, long or foreign one: 401', async () => {
    expect(await rpc(without('Cookie'))).toBe(401);
    expect(await rpc({ ...own(), Cookie: `studio_${server.port}=x` })).toBe(401);
    for (const key of [server.key.slice(1), `${server.key}x`, 'x'])
      expect(await rpc({ 'Content-Type': 'application/json', Authorization: `Bearer ${key}` })).toBe(401);
    expect(await status({ method: 'POST', path: `/rpc/app/info?key=${server.key}`, headers: own() })).toBe(
      404,
    );
    const other = await serve(studio);
    const foreign = { ...own(), Host: `127.0.0.1:${other.port}`, Origin: other.origin };
    const answer = await fetch(`${other.origin}/rpc/app/info`, {
      method: 'POST',
      headers: foreign,
      body: '{}',
    });
    expect(answer.status).toBe(401);
  });

  it('H21 a sixth wrong key in a minute: 429, and the right one waits too', () => {
    let now = 0;
    const sessions = new Sessions(() => now);
    expect(Array.from({ length: 5 }, () => sessions.open('x').kind)).toEqual(
      Array.from({ length: 5 }, () => 'wrong'),
    );
    expect(sessions.open(sessions.key).kind).toBe('tooMany');
    now = 61_000;
    expect(sessions.open(sessions.key).kind).toBe('opened');
  });

  it('keeps its cookie from scripts and other sites, and ends a session after twelve hours', () => {
    expect(cookie).toMatch(
      new RegExp(`^studio_${server.port}=[\\w-]{43}; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200$`),
    );
    let now = 0;
    const sessions = new Sessions(() => now);
    const opening = sessions.open(sessions.key);
    const session = opening.kind === 'opened' ? opening.session : '';
    expect(sessions.isOpen(session)).toBe(true);
    now = 12 * 3_600_000 + 1;
    expect(sessions.isOpen(session)).toBe(false);
  });
});

describe('bodies and paths', () => {
  it('H23 a call that is read: 405', async () => {
    expect(await status({ path: '/rpc/app/info', headers: own() })).toBe(405);
  });

  it('H24 a form of a foreign page: 415; H25 too long: 413; no JSON: 400', async () => {
    expect(await rpc({ ...own(), 'Content-Type': 'text/plain' })).toBe(415);
    expect(await rpc({ ...own(), 'Content-Length': String(1024 * 1024 + 1) }, 'x')).toBe(413);
    expect(await rpc(own(), '{')).toBe(400);
  });

  it('H26 a body without end: 413, and the connection is closed', async () => {
    const head = Object.entries({
      Host: `127.0.0.1:${server.port}`,
      'Transfer-Encoding': 'chunked',
      ...own(),
    });
    const text = head.map(([name, value]) => `${name}: ${value}`).join('\r\n');
    const chunk = `40000\r\n${'x'.repeat(0x40000)}\r\n`;
    const answer = await raw(`POST /rpc/app/info HTTP/1.1\r\n${text}\r\n\r\n${chunk.repeat(6)}`);
    expect(answer === '' || /^HTTP\/1\.1 413/.test(answer)).toBe(true);
  });

  it('H27 headers that drip: the connection is closed', async () => {
    // A server of its own: where this process stands still for a moment, an impatient one would cut off honest requests too.
    const { port } = await serve(studio, { headersTimeoutMs: 1000 });
    const head = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX: `;
    const answer = await raw(head, { port, keepWriting: 'a' });
    expect(answer === '' || /^HTTP\/1\.1 408/.test(answer)).toBe(true);
  });

  it.each([
    '/..%2f..%2fetc/passwd',
    '/%2e%2e/',
    '/..\\',
    '//etc',
    '/%00',
    '/a%00.js',
    '/../package.json',
    '/assets/',
    '/index.html',
  ])('H28 %s: 404', async (path) => {
    expect(await status({ path })).toBe(404);
  });

  it('H29 other methods: no answer for other origins', async () => {
    for (const method of ['OPTIONS', 'TRACE', 'PUT', 'DELETE'])
      expect(await status({ method, headers: own() })).toBe(405);
    const answer = await raw(
      `OPTIONS /rpc/app/info HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nOrigin: https://evil.com\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).not.toMatch(/access-control/i);
    expect(await raw(`CONNECT evil.com:443 HTTP/1.1\r\nHost: evil.com:443\r\n\r\n`)).toBe('');
  });

  it('serves the page under its policy, unasked', async () => {
    const answer = await fetch(`${server.origin}/`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-security-policy')).toBe(CONTENT_SECURITY_POLICY);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });
});

describe('events', () => {
  it('H30 are not for strangers', async () => {
    expect(await status({ path: '/events' })).toBe(401);
  });
});
