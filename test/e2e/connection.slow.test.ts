/** @file Tests. A page whose connection is cut, as a tunnel's is: it says so, comes back by itself, and has missed nothing. */
import { connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { startHost } from '../../main/headless/run.ts';
import { buildPagesIfNeeded } from '../../main/start/buildPages.ts';
import { launchChromium } from '../support/builtPage.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

/** Passes bytes on to `port()`, until it is cut. */
async function openTunnel(port: () => number) {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port(), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        for (const end of [near, far]) end.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  const listen = (at: number) =>
    new Promise<void>((resolve) => void server.listen(at, '127.0.0.1', () => resolve()));
  await listen(0);
  const { port: own } = server.address() as { port: number };
  return {
    origin: `http://127.0.0.1:${own}`,
    cut: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
    restore: () => listen(own),
  };
}

it('says that the connection is lost, and goes on by itself, with what happened meanwhile', async () => {
  await buildPagesIfNeeded(() => {});
  let port = 0;
  const tunnel = await openTunnel(() => port);
  const host = await startHost({ port: 0, dataDirectory: temporaryFolder(), publicOrigins: [tunnel.origin] });
  port = host.server.port;
  const browser = await launchChromium();
  onTestFinished(async () => {
    await browser.close();
    tunnel.cut();
    await host.close();
  });
  const page = await browser.newPage();
  await page.goto(`${tunnel.origin}/#k=${host.server.key}&to=/settings`);
  const theme = page.getByLabel('Theme');
  await theme.waitFor();
  const lost = page.getByText('Runs go on without this page');
  tunnel.cut();
  await lost.waitFor();
  const answer = await fetch(`${host.server.origin}/rpc/app/changeSettings`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${host.server.key}` },
    body: JSON.stringify({ theme: 'dark' }),
  });
  expect(answer.status).toBe(200);
  expect(await theme.inputValue()).toBe('system');
  await tunnel.restore();
  await lost.waitFor({ state: 'detached' });
  await page.locator('html[data-theme="dark"]').waitFor({ state: 'attached' });
  await expect.poll(() => theme.inputValue()).toBe('dark');
});
