/** @file Tests. The order of the queue, changed by mouse, finger and keys in a real Chromium: what is seen, said and stored. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { importTinyPairs } from '../support/studioCalls.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const SCREENSHOTS = join(import.meta.dirname, 'screenshots');
const NAMES = ['one', 'two', 'three'];

let studio: StudioInBrowser;
let page: Page;

/** As the studio has it, whatever a page shows. */
const stored = async () => (await studio.call('queue/show', {})).waiting.map(({ name }) => name);
const row = (name: string) => page.getByLabel(new RegExp(`^${name}, place`));
const shown = () => page.locator('[data-row] > a').allTextContents();
/** The place that is kept free for what is dragged, when it is not its own. */
const slot = () => page.locator('[data-drop]');
const said = () => page.getByRole('status').filter({ hasText: /place \d of \d/ });

async function boxOf(name: string) {
  const box = await row(name).boundingBox();
  if (box === null) throw new Error(`${name} is not in the queue`);
  return { ...box, middle: box.y + box.height / 2, bottom: box.y + box.height };
}

/** Presses on a row (beside its words) and takes it to a height, without letting it go. */
async function drag(name: string, toY: number, x = 500): Promise<void> {
  const { middle } = await boxOf(name);
  await page.mouse.move(x, middle);
  await page.mouse.down();
  await page.mouse.move(x, middle + Math.sign(toY - middle) * 10);
  await page.mouse.move(x, toY, { steps: 6 });
}

async function queueUp(names: readonly string[]): Promise<void> {
  for (const { id } of (await studio.call('queue/show', {})).waiting)
    await studio.call('queue/remove', { run: id });
  const sizes = { size: 'free', layers: 1, hidden: 16, heads: 2, feedForward: 16, maxLen: 16, epochs: 1 };
  const hyperparameters = hyperparametersSchema.parse({ ...sizes, minFreq: 1 });
  const requests = names.map((name) => ({
    dataset: 'pairs',
    name,
    hyperparameters,
    engine: 'wasm' as const,
  }));
  const { ids } = await studio.call('queue/add', { requests, place: 'back' });
  const idsShown = () =>
    page.locator('[data-row]').evaluateAll((rows) => rows.map((one) => one.getAttribute('data-row')));
  await expect.poll(idsShown).toEqual(ids);
}

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const folder = temporaryFolder();
  await importTinyPairs(folder);
  studio = await StudioInBrowser.open(folder);
  page = studio.page;
  await studio.call('queue/pause', { paused: true });
  await studio.goTo('#/queue');
  await page.getByRole('heading', { name: 'Queue' }).waitFor();
});

beforeEach(async () => {
  await queueUp(NAMES);
});

afterAll(async () => {
  await studio?.close();
});

it('moves a run down by mouse: a free place shows where it goes, it is said, stored, and there after a reload', async () => {
  await drag('one', (await boxOf('three')).bottom - 4);
  await expect.poll(() => slot().getAttribute('data-drop')).toBe('2');
  // The others have made room: it is free where the last one was.
  const free = (await slot().boundingBox())!;
  await expect.poll(async () => (await boxOf('three')).bottom).toBeLessThanOrEqual(free.y + 1);
  expect(await stored()).toEqual(NAMES);
  await page.mouse.up();
  expect(await shown()).toEqual(['two', 'three', 'one']);
  expect(await said().textContent()).toBe('one is at place 3 of 3 now.');
  expect(await slot().count()).toBe(0);
  await expect.poll(stored).toEqual(['two', 'three', 'one']);
  await page.reload();
  await expect.poll(shown).toEqual(['two', 'three', 'one']);
});

it('moves runs up and by one place, as often as it is done, and never shows an order that nobody asked for', async () => {
  await page.evaluate(() => {
    const seen: string[] = [];
    Object.assign(window, { ordersSeen: seen });
    const look = () => {
      const order = [...document.querySelectorAll('[data-row] > a')].map((one) => one.textContent).join(' ');
      if (order !== seen.at(-1)) seen.push(order);
    };
    look();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true });
  });
  await drag('three', (await boxOf('one')).y + 4);
  await page.mouse.up();
  await drag('one', (await boxOf('two')).middle + 8);
  await page.mouse.up();
  await expect.poll(stored).toEqual(['three', 'two', 'one']);
  // Longer than the studio's own news of it takes.
  await page.waitForTimeout(1200);
  expect(await page.evaluate(() => (window as unknown as { ordersSeen: string[] }).ordersSeen)).toEqual([
    'one two three',
    'three one two',
    'three two one',
  ]);
});

it('leaves everything as it was after Escape, outside of the list, on its own place, and on a mere click', async () => {
  const before = await movesAsked();
  await drag('three', (await boxOf('one')).y + 4);
  expect(await slot().count()).toBe(1);
  await page.keyboard.press('Escape');
  expect(await slot().count()).toBe(0);
  expect(await said().textContent()).toBe('three stays at place 3 of 3.');
  await page.mouse.up();

  await drag('one', (await boxOf('three')).middle);
  await page.mouse.move(60, 700);
  expect(await slot().count()).toBe(0);
  await page.mouse.up();
  expect(await said().textContent()).toBe('one stays at place 1 of 3.');

  await drag('two', (await boxOf('two')).middle + 12);
  expect(await slot().count()).toBe(0);
  await page.mouse.up();
  await row('two').click({ position: { x: 400, y: 20 } });
  expect(await shown()).toEqual(NAMES);
  expect(await stored()).toEqual(NAMES);
  expect(await movesAsked()).toBe(before);
});

it('can be grabbed by its name without following the link, even when Escape ends it', async () => {
  const { x } = (await row('three').getByRole('link').boundingBox())!;
  await drag('three', (await boxOf('two')).y + 4, x + 8);
  await page.mouse.up();
  await expect.poll(stored).toEqual(['one', 'three', 'two']);
  await drag('one', (await boxOf('one')).middle + 8, x + 8);
  await page.keyboard.press('Escape');
  await page.mouse.up();
  await page.waitForTimeout(100);
  expect(new URL(page.url()).hash).toBe('#/queue');
  await row('one').getByRole('link').click();
  await page.waitForURL(/#\/runs\//);
  await studio.goTo('#/queue');
});

it('moves a run as often as a key is pressed; the focus goes with it, and it is said', async () => {
  await row('three').focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  expect(await shown()).toEqual(['three', 'one', 'two']);
  expect(await said().textContent()).toBe('three is at place 1 of 3 now.');
  await expect.poll(stored).toEqual(['three', 'one', 'two']);
  await page.waitForTimeout(700);
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  expect(await focused()).toBe('three, place 1 of 3');
  await page.keyboard.press('ArrowDown');
  await expect.poll(stored).toEqual(['one', 'three', 'two']);
  await page.getByRole('button', { name: 'Move three up' }).press('Enter');
  // That button cannot be pressed any more: its row has the focus.
  await expect.poll(focused).toBe('three, place 1 of 3');
  await page.getByRole('button', { name: 'Remove three' }).press('Enter');
  await expect.poll(focused).toBe('one, place 1 of 2');
  await page.getByRole('button', { name: 'Remove one' }).press('Enter');
  await page.getByRole('button', { name: 'Remove two' }).press('Enter');
  await page.getByRole('heading', { name: 'Nothing waits' }).waitFor();
});

it('is dragged by a finger on its handle, and scrolled by one on its row', async () => {
  const session = await page.context().newCDPSession(page);
  const { x } = await boxOf('one');
  await touchDrag(session, { x: x + 12, y: (await boxOf('one')).middle }, (await boxOf('two')).bottom - 4);
  await expect.poll(stored).toEqual(['two', 'one', 'three']);
  await touchDrag(session, { x: 500, y: (await boxOf('two')).middle }, (await boxOf('three')).bottom - 4);
  expect(await stored()).toEqual(['two', 'one', 'three']);
});

it('scrolls a long queue while a run is held at its edge', async () => {
  const names = Array.from({ length: 40 }, (_, at) => `run ${at}`);
  await queueUp(names);
  await drag('run 1', 868);
  // Rows give way, but the list does not.
  const list = page.locator('ol').filter({ has: row('run 39') });
  await expect
    .poll(async () => (await list.boundingBox())!.y + (await list.boundingBox())!.height)
    .toBeLessThan(866);
  const { y, height } = (await list.boundingBox())!;
  await page.mouse.move(500, y + height - 3);
  await page.mouse.up();
  await expect.poll(async () => (await stored()).at(-1)).toBe('run 1');
});

it('lets go of a run that is taken away meanwhile', async () => {
  await drag('one', (await boxOf('three')).bottom - 4);
  const { waiting } = await studio.call('queue/show', {});
  await studio.call('queue/remove', { run: waiting[0]!.id });
  await expect.poll(shown).toEqual(['two', 'three']);
  expect(await slot().count()).toBe(0);
  await page.mouse.up();
  expect(await stored()).toEqual(['two', 'three']);
  expect(studio.complaints).toEqual([]);
});

it('shows no answer of the studio that news have overtaken', async () => {
  const late = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  await page.route('**/rpc/queue/show', async (route) => {
    const response = await route.fetch();
    arrived.resolve();
    await late.promise;
    await route.fulfill({ response });
  });
  await page.reload();
  await arrived.promise;
  // Events are heard from another answer on.
  await page.getByRole('link', { name: 'Data sets 1' }).waitFor();
  const { waiting } = await studio.call('queue/show', {});
  await studio.call('queue/move', { run: waiting[2]!.id, to: 0 });
  await expect.poll(shown).toEqual(['three', 'one', 'two']);
  const answered = page.waitForResponse('**/rpc/queue/show');
  late.resolve();
  await answered;
  await page.unroute('**/rpc/queue/show');
  await page.waitForTimeout(300);
  expect(await shown()).toEqual(['three', 'one', 'two']);
});

it.each(['light', 'dark'] as const)('looks as it should in the %s theme, and to axe', async (theme) => {
  await queueUp(['the book’s recipe', 'small, lr 3e-4', 'small, lr 1e-3', 'large, once more']);
  await studio.setTheme(theme);
  await drag('the book’s recipe', (await boxOf('small, lr 1e-3')).bottom - 6);
  // The others have made room.
  await page.waitForFunction(() => document.getAnimations().length === 0);
  await page.screenshot({ path: join(SCREENSHOTS, `queue-drag-${theme}.png`) });
  expect(await studio.seriousViolations()).toEqual([]);
  await page.keyboard.press('Escape');
  await page.mouse.up();
});

/** How often the page has asked for a move since it was loaded. */
function movesAsked(): Promise<number> {
  return page.evaluate(
    () => performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('queue/move')).length,
  );
}

async function touchDrag(session: CDPSession, from: { x: number; y: number }, toY: number): Promise<void> {
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', y: number) =>
    session.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: type === 'touchEnd' ? [] : [{ x: from.x, y }],
    });
  await touch('touchStart', from.y);
  for (let step = 1; step <= 6; step++) await touch('touchMove', from.y + ((toY - from.y) * step) / 6);
  await touch('touchEnd', toY);
}
