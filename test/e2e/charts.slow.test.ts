/** @file Tests. Charts in a real Chromium under the studio's policy: spikes, smoothing, zoom, live points, keyboard, theme. */

import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildPage, launchChromium, type ServedFolder, serveFolder } from '../support/builtPage.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

interface Harness {
  readonly asked: {
    readonly route: string;
    readonly input: { metric: string; range: unknown; runs: string[] };
  }[];
  store(run: string, kind: 'flat' | 'spike' | 'noise', points: number): void;
  log(run: string, values: readonly number[]): void;
  show(ids: readonly string[]): void;
  group(members: readonly string[] | null): void;
  set(part: object): void;
  svg(): string;
  highlighted(): string | null;
  cursor(): number | null;
  through(): readonly string[] | null;
  axes(): readonly string[];
}

type Colour = readonly [red: number, green: number, blue: number];
const RED: Colour = [255, 0, 0];
const GREEN: Colour = [0, 192, 0];

let served: ServedFolder;
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  const folder = temporaryFolder();
  await buildPage(join(import.meta.dirname, 'chartsHarness'), folder);
  served = await serveFolder(folder);
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  served?.server.close();
});

beforeEach(async () => {
  complaints = [];
  page = await browser.newPage({ viewport: { width: 960, height: 1400 } });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(served.address);
});

afterEach(async () => {
  await page.close();
  expect(complaints).toEqual([]);
});

function harness<Result>(
  work: (harness: Harness, argument: never) => Result,
  argument?: unknown,
): Promise<Awaited<Result>> {
  const text = `(${String(work)})(window.harness, ${JSON.stringify(argument ?? null)})`;
  return page.evaluate(text) as Promise<Awaited<Result>>;
}

/** How many pixels of a colour lie in a part of a chart's plot, in shares of its width and height from the upper left. */
async function coloured(
  chart: string,
  colour: Colour,
  part = { left: 0, top: 0, right: 1, bottom: 1 },
): Promise<number> {
  await frames();
  return page.evaluate(
    ({ chart: id, colour: [red, green, blue], part: { left, top, right, bottom } }) => {
      const canvas = document.querySelector<HTMLCanvasElement>(`#${id} canvas`)!;
      const over = document.querySelector<HTMLElement>(`#${id} .u-over`)!;
      const scale = canvas.width / canvas.getBoundingClientRect().width;
      const [canvasBox, box] = [canvas.getBoundingClientRect(), over.getBoundingClientRect()];
      const x = (box.left - canvasBox.left + left * box.width) * scale;
      const y = (box.top - canvasBox.top + top * box.height) * scale;
      const { data } = canvas
        .getContext('2d')!
        .getImageData(
          x,
          y,
          Math.max(1, (right - left) * box.width * scale),
          Math.max(1, (bottom - top) * box.height * scale),
        );
      let found = 0;
      for (let at = 0; at < data.length; at += 4) {
        const near = (value: number, wanted: number) => Math.abs(value - wanted) < 60;
        if (
          data[at + 3]! > 100 &&
          near(data[at]!, red) &&
          near(data[at + 1]!, green) &&
          near(data[at + 2]!, blue)
        )
          found++;
      }
      return found;
    },
    { chart, colour, part },
  );
}

/** Two frames and a moment more: what was due may have been drawn by then. Only a poll knows that something was. */
async function frames(): Promise<void> {
  await page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => resolve())), 350);
      }),
  );
}

/** At least so many pixels of a colour come; what was counted then is given back. */
async function untilColoured(
  chart: string,
  colour: Colour,
  morePixels: number,
  part?: Parameters<typeof coloured>[2],
): Promise<number> {
  let found = 0;
  await expect
    .poll(async () => {
      found = await coloured(chart, colour, part);
      return found;
    })
    .toBeGreaterThan(morePixels);
  return found;
}

const wholeButton = () => page.locator('#loss').getByRole('button', { name: 'Show everything' });

const asked = (metric = 'step/loss') =>
  harness(
    (h, wanted: never) =>
      h.asked.filter(({ route, input }) => route === 'series/lines' && input.metric === wanted),
    metric,
  );

async function drag(chart: string, from: number, to: number): Promise<void> {
  const box = (await page.locator(`#${chart} .u-over`).boundingBox())!;
  await page.mouse.move(box.x + from * box.width, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + ((from + to) / 2) * box.width, box.y + box.height / 2);
  await page.mouse.move(box.x + to * box.width, box.y + box.height / 2);
  await page.mouse.up();
}

describe('a chart', () => {
  it('draws a spike of one point among a million, at its full height', async () => {
    await harness((h) => {
      h.store('a', 'spike', 1_000_000);
      h.show(['a']);
    });
    const top = { left: 0.45, top: 0.02, right: 0.55, bottom: 0.12 };
    await untilColoured('loss', RED, 2, top);
    expect(await coloured('loss', RED, { ...top, left: 0, right: 0.4 })).toBe(0);
    expect(await asked()).toHaveLength(1);
  });

  it('asks again for the part that is dragged over, and goes back on a double click without asking', async () => {
    await harness((h) => {
      h.store('a', 'spike', 100_000);
      h.show(['a']);
    });
    await untilColoured('loss', RED, 2);
    await drag('loss', 0.495, 0.505);
    await wholeButton().waitFor();
    await expect.poll(async () => (await asked()).length).toBe(2);
    const [whole, part] = await asked();
    expect(whole?.input.range).toBeNull();
    const range = part?.input.range as { from: number; to: number };
    expect(range.from).toBeGreaterThan(49_000);
    expect(range.to).toBeLessThan(51_000);
    await page.locator('#loss .u-over').dblclick();
    await wholeButton().waitFor({ state: 'detached' });
    await frames();
    expect(await asked()).toHaveLength(2);
  });

  it('appends live points without asking again', async () => {
    await harness((h) => {
      h.store('a', 'flat', 100);
      h.show(['a']);
    });
    await untilColoured('loss', RED, 2);
    expect(await coloured('loss', RED, { left: 0, top: 0, right: 1, bottom: 0.3 })).toBe(0);
    await harness((h) => h.log('a', [1, 1, 8, 1, 1]));
    await untilColoured('loss', RED, 2, { left: 0.9, top: 0, right: 1, bottom: 0.3 });
    expect(await asked()).toHaveLength(1);
  });

  it('draws the first and the last of few points whole, though they lie on the edge', async () => {
    await harness((h) => {
      h.store('a', 'flat', 4);
      h.show(['a']);
    });
    const beyond = { left: -0.005, top: 0, right: 0, bottom: 1 };
    await untilColoured('loss', RED, 2, beyond);
    await untilColoured('loss', RED, 2, { ...beyond, left: 1, right: 1.005 });
    // A curve of many points ends at the edge.
    await harness((h) => {
      h.store('b', 'flat', 400);
      h.show(['b']);
    });
    await expect.poll(() => coloured('loss', RED, beyond)).toBe(0);
    await untilColoured('loss', RED, 100);
    expect(await coloured('loss', RED, beyond)).toBe(0);
  });

  it('smooths in front and keeps the original faintly behind', async () => {
    await harness((h) => {
      h.store('a', 'noise', 1500);
      h.show(['a']);
    });
    const original = await untilColoured('loss', RED, 300);
    await harness((h) => h.set({ smoothing: 0.95 }));
    await expect.poll(() => coloured('loss', RED)).toBeLessThan(original / 3);
    await untilColoured('loss', RED, 100);
    const svg = await harness((h) => h.svg());
    expect(svg).toContain('stroke-opacity="0.25"');
    expect(await asked()).toHaveLength(1);
  });

  it('brings the run under the pointer forward, in every chart, and tells its values and what differs', async () => {
    await harness((h) => {
      h.store('a', 'flat', 500);
      h.store('b', 'spike', 500);
      h.show(['a', 'b']);
    });
    await untilColoured('loss', GREEN, 2);
    await untilColoured('accuracy', GREEN, 2);
    const before = await untilColoured('accuracy', RED, 2);
    const box = (await page.locator('#loss .u-over').boundingBox())!;
    // The curve b is at 10 in the middle of the chart, where nothing else is.
    await page.mouse.move(box.x + (box.width * 250.1) / 499, box.y + box.height * 0.06);
    await expect.poll(() => harness((h) => h.highlighted())).toBe('b');
    const tip = page.locator('#loss .tooltip');
    await expect.poll(() => tip.textContent()).toMatch(/step 251.*run b.*lr 1.*10.000.*run a/s);
    await expect.poll(() => coloured('accuracy', RED)).toBeLessThan(before / 2);
    await untilColoured('accuracy', GREEN, 0);
    await page.mouse.move(5, 5);
    await expect.poll(() => harness((h) => h.highlighted())).toBeNull();
  });

  it('is moved through by keyboard, speaks its values and zooms', async () => {
    await harness((h) => {
      h.store('a', 'flat', 50);
      h.show(['a']);
    });
    const chart = page.locator('#loss').getByRole('application');
    await expect
      .poll(() => chart.getAttribute('aria-label'))
      .toContain('Step loss by step: run a ends at 1.000.');
    await chart.focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => harness((h) => h.cursor())).toBe(2);
    await expect.poll(() => page.locator('#loss [aria-live]').textContent()).toBe('step 2: run a 1.000');
    await page.keyboard.press('+');
    await wholeButton().waitFor();
    await page.keyboard.press('Escape');
    await wholeButton().waitFor({ state: 'detached' });
  });

  it('takes the colours of another theme at once', async () => {
    await harness((h) => {
      h.store('a', 'flat', 500);
      h.show(['a']);
    });
    await untilColoured('loss', RED, 100);
    await page.evaluate(() => document.documentElement.setAttribute('data-theme', 'dark'));
    await untilColoured('loss', [255, 0, 255], 100);
    expect(await coloured('loss', RED)).toBe(0);
  });

  it('draws the mean of a group with its band, which the studio computes', async () => {
    await harness((h) => {
      h.show(['a', 'b']);
      h.group(['a', 'b']);
    });
    await untilColoured('loss', RED, 100);
    expect(await harness((h) => h.svg())).toContain('group (2 runs)');
    expect(await harness((h) => h.asked.filter(({ route }) => route === 'series/groups').length)).toBe(1);
  });

  it('is shown as a table and saved as SVG, PNG and CSV', async () => {
    await harness((h) => {
      h.store('a', 'spike', 500);
      h.show(['a']);
    });
    await untilColoured('loss', RED, 2);
    const menu = () => page.getByRole('button', { name: 'More about Step loss' }).click();
    await menu();
    await page.getByRole('menuitem', { name: 'Show as a table of values' }).click();
    await expect
      .poll(() => page.locator('#loss table').textContent())
      .toMatch(/run a.*step 500.*1.000.*1.000.*10.000/s);
    const begins = { SVG: '<svg', PNG: '\ufffdPNG', CSV: 'run,id,step' };
    for (const [type, start] of Object.entries(begins)) {
      await menu();
      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page
          .getByRole('menuitem', { name: type === 'CSV' ? 'What is drawn as CSV' : `Figure as ${type}` })
          .click(),
      ]);
      expect(file.suggestedFilename()).toBe(`step-loss.${type.toLowerCase()}`);
      const chunks: Buffer[] = [];
      for await (const chunk of (await file.createReadStream())!) chunks.push(chunk as Buffer);
      expect(Buffer.concat(chunks).toString('utf8').startsWith(start)).toBe(true);
    }
  });
});

describe('the book’s plot', () => {
  it('reaches to the last epoch from the beginning', async () => {
    await harness((h) => {
      h.store('a', 'flat', 200);
      h.show(['a']);
    });
    // Two epochs of five are done.
    await untilColoured('book', RED, 5, { left: 0, top: 0, right: 0.38, bottom: 1 });
    expect(await coloured('book', RED, { left: 0.45, top: 0, right: 1, bottom: 1 })).toBe(0);
    await expect.poll(() => page.locator('#book ul').textContent()).toContain('train accuracy');
  });
});

describe('parallel coordinates', () => {
  it('filter with a brush by keyboard, and move their axes', async () => {
    const axis = page.getByRole('application', { name: /^Test accuracy/ });
    await axis.focus();
    for (let press = 0; press < 8; press++) await page.keyboard.press('ArrowUp');
    await expect.poll(() => harness((h) => h.through())).toEqual(['b', 'c']);
    await page.keyboard.press('Escape');
    await expect.poll(() => harness((h) => h.through())).toBeNull();
    await page.keyboard.press('ArrowLeft');
    await expect.poll(() => harness((h) => h.axes())).toEqual(['test/accuracy', 'hyperparameters.lr']);
  });

  it('filter with a brush by pointer, which a click takes away', async () => {
    const box = (await page.getByRole('application', { name: /^Learning rate/ }).boundingBox())!;
    const x = box.x + box.width / 2;
    await page.mouse.move(x, box.y + 2);
    await page.mouse.down();
    await page.mouse.move(x, box.y + box.height * 0.6, { steps: 4 });
    await page.mouse.up();
    await expect.poll(() => harness((h) => h.through())).toEqual(['a', 'c']);
    await page.mouse.click(x, box.y + box.height * 0.3);
    await expect.poll(() => harness((h) => h.through())).toBeNull();
  });
});
