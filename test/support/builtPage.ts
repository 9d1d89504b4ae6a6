/** @file Tests. A page of a test built by vite and served under the very headers of the studio, and a real Chromium. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { build } from 'vite';
import { PAGE_HEADERS } from '../../main/rpc/pageHeaders.ts';

const TYPES: ReadonlyMap<string, string> = new Map([
  ['.html', 'text/html; charset=utf-8'],
  ['.js', 'text/javascript'],
  ['.css', 'text/css'],
  ['.wasm', 'application/wasm'],
]);

/** Builds the page in `root` into `folder`. */
export async function buildPage(root: string, folder: string): Promise<void> {
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    base: './',
    plugins: [svelte({ configFile: false })],
    build: { outDir: folder, emptyOutDir: true, modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  });
}

export interface ServedFolder {
  readonly address: string;
  readonly server: Server;
}

/** @param headers the studio's own, if not given */
export async function serveFolder(
  folder: string,
  headers: Readonly<Record<string, string>> = PAGE_HEADERS,
): Promise<ServedFolder> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    const name = path === '/' ? '/index.html' : path;
    try {
      const content = readFileSync(join(folder, name));
      const type = TYPES.get(extname(name)) ?? 'application/octet-stream';
      response.writeHead(200, { ...headers, 'Content-Type': type }).end(content);
    } catch {
      response.writeHead(404, headers).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

/** Chromium from npm, which needs nothing of the system. */
async function chromiumOptions() {
  // Without it the package leaves its own libraries packed and leans on the system's.
  process.env['AWS_LAMBDA_JS_RUNTIME'] = 'nodejs22.x';
  const { default: bundled } = await import('@sparticuz/chromium');
  return {
    executablePath: await bundled.executablePath(),
    args: ['--no-sandbox', '--disable-gpu', '--no-zygote'],
  };
}

/** Playwright's own 30 seconds are soon over on a machine that is busy with other things, which is no defect. */
const PATIENCE_MS = 120_000;

/** @param more further words of its command line */
export async function launchChromium(more: readonly string[] = []): Promise<Browser> {
  const options = await chromiumOptions();
  const args = [...options.args, ...more];
  const browser = await chromium.launch({ ...options, args, timeout: PATIENCE_MS });
  browser.on('context', (context) => context.setDefaultTimeout(PATIENCE_MS));
  return browser;
}

/** With a profile of its own in `folder`, as a person's browser has one: what it compiled once it keeps. */
export async function launchChromiumWithProfile(folder: string, heightPx: number): Promise<BrowserContext> {
  const viewport = { width: 1440, height: heightPx };
  return chromium.launchPersistentContext(folder, { ...(await chromiumOptions()), viewport });
}
