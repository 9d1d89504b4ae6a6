/** @file Tests. The headless host as a program: detached and ended, behind an address of others, on a port that is taken, by npm start in CI. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildPagesIfNeeded } from '../../../main/start/buildPages.ts';
import { startNode } from '../../support/program.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

const ADDRESS = /Entail is at (http:\/\/127\.0\.0\.1:(\d+))\/#k=(\S+)\n/;
const headless = (...words: string[]) => ['bin/entail.js', '--run', 'main/headless.ts', ...words];

/** Status of a request that says which host it means and from which page it comes; null when nobody answers. */
function statusOf(port: number, headers: Readonly<Record<string, string>>, path = '/rpc/app/info') {
  return new Promise<number | null>((resolve) => {
    const asked = request({
      ...{ host: '127.0.0.1', port, path, method: path === '/' ? 'GET' : 'POST', agent: false },
      headers: { 'Content-Type': 'application/json', ...headers },
    });
    asked.on('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', () => resolve(null));
    asked.end(path === '/' ? undefined : '{}');
  });
}

/** A browser that only writes down what it is to open, however it is asked. */
function fakeBrowser() {
  const folder = temporaryFolder();
  const opened = join(folder, 'opened');
  for (const name of ['browser', 'xdg-open', 'open'])
    writeFileSync(join(folder, name), `#!/bin/sh\necho "$1" >> "${opened}"\n`, { mode: 0o755 });
  chmodSync(join(folder, 'browser'), 0o755);
  const variables = {
    ...{ BROWSER: join(folder, 'browser'), PATH: `${folder}:${process.env['PATH']}` },
    ...{ DISPLAY: null, WAYLAND_DISPLAY: null, XDG_CURRENT_DESKTOP: null, DESKTOP_SESSION: null },
  };
  return { variables, opened: () => (existsSync(opened) ? readFileSync(opened, 'utf8') : '') };
}

beforeAll(async () => {
  await buildPagesIfNeeded(() => {});
});

/** Processes that outlive who started them, by design. */
const detached: number[] = [];
afterEach(() => {
  for (const pid of detached.splice(0)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  }
});

it('detached it survives its starter, admits one more origin and no other, and ends in good order', async () => {
  const folder = temporaryFolder();
  const words = ['--port', '0', '--data-dir', folder, '--public-origin', 'https://box.example:8443'];
  const starter = startNode(headless(...words, '--detach', '--open'), fakeBrowser().variables);
  expect(await starter.ended).toBe(0);
  const [, origin = '', port = '', key = ''] = await starter.saying(ADDRESS);
  const [, pid = ''] = await starter.saying(
    /Detached: process (\d+), messages in .*headless\.log\. End it with --stop\./,
  );
  detached.push(Number(pid));
  expect(starter.said).toContain(`or at https://box.example:8443/#k=${key}\n`);
  expect(starter.said).toContain(`ssh -L ${port}:127.0.0.1:${port} `);
  // It has no terminal in which that could be pressed.
  expect(starter.said).not.toContain('Ctrl-C');
  // A session of its own: what hangs up the starter's terminal does not reach it.
  const psLine = execFileSync('ps', ['-o', 'sid=,args=', '-p', pid], { encoding: 'utf8' }).trim();
  expect(psLine).toMatch(new RegExp(`^${pid} .*headless\\.ts`));
  // Other users of the machine see the words of a process, and must not see the key there or in a file.
  expect(psLine).not.toContain(key);
  const log = join(folder, 'logs', 'headless.log');
  expect(statSync(log).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(folder, 'studio-address.json'), 'utf8')).not.toContain(key);

  const at = async (host: string, from: string) =>
    await statusOf(Number(port), { Host: host, Origin: from, Authorization: `Bearer ${key}` });
  const own = `127.0.0.1:${port}`;
  expect(await at(own, origin)).toBe(200);
  expect(await at('box.example:8443', 'https://box.example:8443')).toBe(200);
  for (const foreign of [
    'https://box.example',
    'http://box.example:8443',
    'https://evil.example:8443',
    'null',
  ])
    expect([foreign, await at('box.example:8443', foreign)]).toEqual([foreign, 403]);
  for (const foreign of ['box.example', 'evil.example:8443', 'x.box.example:8443', 'box.example:8443.evil'])
    expect([foreign, await at(foreign, 'https://box.example:8443')]).toEqual([foreign, 403]);

  const second = startNode(headless('--port', '0', '--data-dir', folder));
  expect(await second.ended).toBe(1);
  expect(second.said).toContain(`A studio (process ${pid}) is open on ${folder}. It is at ${origin}.`);
  expect(second.said).not.toContain(key);

  const stop = () => startNode(headless('--stop', '--data-dir', folder));
  const stopped = stop();
  expect([await stopped.ended, stopped.said]).toEqual([
    ...[0, 'The studio has ended; runs that were training are stopped, with a checkpoint.\n'],
  ]);
  expect(await statusOf(Number(port), { Host: own }, '/')).toBeNull();
  expect(readFileSync(log, 'utf8')).toContain('Ending: runs that train are stopped');
  const again = stop();
  expect(await again.ended).toBe(1);
  expect(again.said).toContain(`No detached studio is open on ${folder}.`);
});

describe('a port that is in use', () => {
  it('is named to who starts a detached host, and the data directory is free again', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const folder = temporaryFolder();
    const words = headless('--port', String(port), '--data-dir', folder);
    const program = startNode([...words, '--detach']);
    expect(await program.ended).toBe(1);
    expect(program.said).toContain(`error: Port ${port} is in use by another program.`);
    expect(program.said).toContain('next: Choose another one with --port, or any free one with --port 0.');
    expect(program.said).not.toMatch(/\n\s+at /);
    taken.close();
    await once(taken, 'close');
    const next = startNode(words);
    await next.saying(ADDRESS);
    next.signal('SIGINT');
    expect(await next.ended).toBe(0);
  });
});

describe('npm start', () => {
  it('in CI starts the studio for a browser, says why and where, and opens nothing', async () => {
    const browser = fakeBrowser();
    const words = ['bin/entail.js', '--run', 'main/start.ts', '--port', '0', '--data-dir', temporaryFolder()];
    const program = startNode(words, { ...browser.variables, CI: 'true' });
    const [, origin = '', port = ''] = await program.saying(ADDRESS);
    expect(program.said).toContain(
      'The studio opens in a browser, because this is CI, where no window is opened.\n',
    );
    const page = await fetch(`${origin}/`);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<title>')]);
    // A Ctrl-C that reaches only the starter ends both.
    program.signal('SIGTERM');
    expect(await program.ended).toBe(0);
    expect(await statusOf(Number(port), { Host: `127.0.0.1:${port}` }, '/')).toBeNull();
    expect(browser.opened()).toBe('');
  });

  it('has a host that does open a browser when it is asked to, at the address with the key', async () => {
    const browser = fakeBrowser();
    const words = headless('--port', '0', '--data-dir', temporaryFolder(), '--open');
    const program = startNode(words, { ...browser.variables, CI: null });
    const [, origin = '', , key = ''] = await program.saying(ADDRESS);
    await until(() => browser.opened() !== '');
    expect(browser.opened().trim()).toBe(`${origin}/#k=${key}`);
    program.signal('SIGTERM');
    expect(await program.ended).toBe(0);
  });
});
