/**
 * @file Tests. The preload script as it is built, in a real Chromium with worlds of their own for script and page: what a
 * page gets, what it does not, and the whole studio on top of it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOfSettings } from '../../main/desktop/openedFile.ts';
import { pageFiles } from '../../main/rpc/pageFiles.ts';
import { buildDesktop } from '../../main/start/buildDesktop.ts';
import { buildPagesIfNeeded } from '../../main/start/buildPages.ts';
import type { HostedStudio } from '../../main/studio/hosting.ts';
import { projectFolder } from '../../main/version.ts';
import type { StudioBridge } from '../../renderer/api/bridgeTransport.ts';
import type { EventBatch } from '../../shared/contract/events.ts';
import { launchChromium } from '../support/builtPage.ts';
import { openHosted } from '../support/hostedStudio.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';
import { ADDRESS, PageUnderElectron } from './preloadHost.ts';

declare global {
  interface Window {
    /** What a listener of a test was called with, each call's arguments as a list. */
    heard: Record<string, unknown[][]>;
    leave: Record<string, () => void>;
  }
}

const empty = { contentType: 'text/html', immutable: false, body: Buffer.from('<title>page</title>') };

let browser: Browser;
let studio: HostedStudio;
const preload = join(temporaryFolder(), 'desktop', 'preload.cjs');

beforeAll(async () => {
  await buildDesktop(join(preload, '..'));
  browser = await launchChromium();
  studio = openHosted();
});

afterAll(() => browser?.close());

/** A page without content of its own, at app://studio/. */
async function openEmpty(): Promise<Page> {
  const page = await browser.newPage();
  await page.route('https://elsewhere.test/', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<title>elsewhere</title>' }),
  );
  await PageUnderElectron.open(page, {
    ...{ studio, preload },
    files: new Map([['/', empty]]),
  });
  await page.goto(ADDRESS);
  return page;
}

const ask = (page: Page, route: string, input: unknown) =>
  page.evaluate(([name, value]) => window.studio!.request(name, value), [route, input] as const);

/** Subscribes under a name, after which `window.heard[name]` tells what was heard. */
async function subscribe(page: Page, name: string): Promise<void> {
  await page.evaluate((own) => {
    window.heard = { ...window.heard, [own]: [] };
    const hear = (...values: unknown[]) => void window.heard[own]!.push(values);
    window.leave = {
      ...window.leave,
      [own]: window.studio!.subscribe(null, hear as (batch: EventBatch) => void),
    };
  }, name);
  // Answered after the subscription, which went the same way before it.
  await ask(page, 'app/info', {});
}

const untilHeard = (page: Page, name: string, times: number) =>
  page.waitForFunction(([own, count]) => window.heard[own]!.length >= count, [name, times] as const);

describe('a page over the preload script', () => {
  it('has two functions more than any page, and nothing of Node or Electron', async () => {
    const plain = await browser.newPage();
    await plain.route(ADDRESS, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<title>page</title>' }),
    );
    await plain.goto(ADDRESS);
    const names = (page: Page) => page.evaluate(() => Object.getOwnPropertyNames(window));
    const usual = new Set(await names(plain));
    const page = await openEmpty();
    expect((await names(page)).filter((name) => !usual.has(name))).toEqual(['studio']);
    const studioOnPage = await page.evaluate(() => {
      const bridge = window.studio as StudioBridge & { more?: number };
      try {
        bridge.more = 1;
      } catch {
        // Strict code is told that it is frozen.
      }
      return { keys: Object.keys(bridge), kinds: Object.values(bridge).map((value) => typeof value) };
    });
    expect(studioOnPage).toEqual({ keys: ['request', 'subscribe'], kinds: ['function', 'function'] });
    const found = await page.evaluate(() =>
      ['require', 'process', 'module', 'Buffer'].filter((name) => name in window),
    );
    expect(found).toEqual([]);
  });

  it('is answered, and told what is wrong', async () => {
    const page = await openEmpty();
    expect(await ask(page, 'app/info', {})).toMatchObject({ ok: true, value: { version: '0.0.0' } });
    expect(await ask(page, 'no/such', {})).toMatchObject({ ok: false, error: { code: 'ROUTE_NOT_FOUND' } });
    expect(await ask(page, 'runs/show', { run: 7 })).toMatchObject({
      ok: false,
      error: { code: 'BAD_INPUT' },
    });
  });

  it('is refused what cannot be cloned, at once (I17)', async () => {
    const page = await openEmpty();
    const refusal = await page.evaluate(() =>
      window.studio!.request('app/info', { f: () => {} }).then(
        () => 'answered',
        (error: Error) => error.message,
      ),
    );
    expect(refusal).toBe('An object could not be cloned.');
  });

  it('hears batches and never the event of Electron; one listener that leaves, even twice, leaves the others theirs', async () => {
    const page = await openEmpty();
    await subscribe(page, 'first');
    await subscribe(page, 'second');
    studio.events.publish([{ kind: 'datasets' }]);
    await untilHeard(page, 'first', 1);
    await untilHeard(page, 'second', 1);
    await page.evaluate(() => window.leave['second']!());
    await page.evaluate(() => window.leave['second']!());
    studio.events.publish([{ kind: 'engines' }]);
    await untilHeard(page, 'first', 2);
    const heard = await page.evaluate(() => window.heard);
    expect(heard['first']).toEqual([
      [{ cursor: expect.any(String), events: [{ kind: 'datasets' }] }],
      [{ cursor: expect.any(String), events: [{ kind: 'engines' }] }],
    ]);
    expect(heard['second']).toHaveLength(1);
    await page.evaluate(() => window.leave['first']!());
    await subscribe(page, 'third');
    studio.events.publish([{ kind: 'datasets' }]);
    await untilHeard(page, 'third', 1);
    expect(await page.evaluate(() => window.heard['first'])).toHaveLength(2);
  });

  it('is the only one: a frame inside it, and a page from elsewhere in its place, are refused', async () => {
    const page = await openEmpty();
    await page.evaluate(() => document.body.append(document.createElement('iframe')));
    const inside = await page.frames()[1]!.evaluate(() => window.studio!.request('app/info', {}));
    expect(inside).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } });
    expect(await ask(page, 'app/info', {})).toMatchObject({ ok: true });
    await page.goto('https://elsewhere.test/');
    expect(await ask(page, 'app/info', {})).toMatchObject({ ok: false, error: { code: 'FORBIDDEN' } });
  });
});

describe('the studio over the preload script', () => {
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    await buildPagesIfNeeded(() => {});
    page = await browser.newPage({ viewport: { width: 1360, height: 860 } });
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    page.on('pageerror', (error) => void complaints.push(String(error)));
    const files = pageFiles(join(projectFolder(), 'dist', 'renderer'));
    await PageUnderElectron.open(page, { studio, preload, files });
  });

  it('shows itself, follows what happens, and goes on after a reload', async () => {
    await page.goto(ADDRESS);
    await page.getByRole('heading', { name: 'Begin' }).waitFor();
    await page.goto(`${ADDRESS}#/datasets`);
    await page.reload();
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
    await studio.dispatch('datasets/importSample', {});
    // The number beside "Data sets" is told by an event.
    await page.getByRole('link', { name: 'Data sets 1' }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('shows an opened file of settings as a new run, also while a new run is on screen', async () => {
    const open = async (text: string) => {
      const path = join(temporaryFolder(), 'run.entail');
      writeFileSync(path, text);
      await page.goto(addressOfSettings(path).replace(/^app:\/\/studio\//, ADDRESS));
    };
    await open('{"dataset":"sample","hyperparameters":{"epochs":17}}');
    await page.getByText('Read from the file.').waitFor();
    await until(async () => (await page.getByLabel('Epochs').inputValue()) === '17');
    await open('{"dataset":"sample","hyperparameters":{"epochs":18}}');
    await until(async () => (await page.getByLabel('Epochs').inputValue()) === '18');
    await open('["no settings"]');
    await page.getByText(/There are no settings of a run in the file/).waitFor();
    expect(await page.getByLabel('Epochs').inputValue()).toBe('18');
  });
});
