/**
 * @file Runs in tests. The exported web page in a real Chromium, from the disk and without a network: it loads, answers
 * what is typed as our own engine does, and asks nobody for anything.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExportedModel } from '../../main/export/exportedModel.ts';
import { writePage } from '../../main/export/page/writePage.ts';
import { buildExportPageIfNeeded } from '../../main/start/buildExportPage.ts';
import { launchChromium } from '../support/builtPage.ts';
import {
  BERT,
  BOOK,
  emptyExportFolder,
  encodedPair,
  largestDifference,
  ownLogits,
  paddedBatch,
  randomModel,
} from '../support/exportedModels.ts';

const EXAMPLES = [
  { premise: 'The man sleeps.', hypothesis: 'The man is not outside.' },
  { premise: 'A dog runs.', hypothesis: 'A cat sits under the mat.' },
];
const TYPED = ['A woman isn\'t sleeping on "the mat".', 'The blue cat walks (outside)!'] as const;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let browser: Browser;
let programFolder = '';

beforeAll(async () => {
  programFolder = await buildExportPageIfNeeded(() => {});
  browser = await launchChromium();
});
afterAll(() => browser?.close());

interface OpenedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page asked for, and what its console complained of. */
  readonly asked: string[];
  readonly complaints: string[];
}

/** The page of a folder when it is ready, or has given up. */
async function opened(folder: string, colorScheme: 'light' | 'dark' = 'light'): Promise<OpenedPage> {
  const viewport = { width: 900, height: 900 };
  const context = await browser.newContext({ offline: true, colorScheme, viewport });
  const page = await context.newPage();
  const [asked, complaints]: [string[], string[]] = [[], []];
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(pathToFileURL(join(folder, 'index.html')).href);
  await page.locator('body[data-state="ready"], body[data-state="failed"]').waitFor();
  return { page, context, asked, complaints };
}

/** @throws Error when it has given up. */
async function open(folder: string, colorScheme: 'light' | 'dark' = 'light'): Promise<OpenedPage> {
  const found = await opened(folder, colorScheme);
  const failure = found.page.locator('body[data-state="failed"] #status');
  if ((await failure.count()) > 0)
    throw new Error(`${await failure.textContent()} ${found.complaints.join('; ')}`);
  return found;
}

async function exported(model: ExportedModel, half = false): Promise<string> {
  const folder = emptyExportFolder();
  await writePage(model, folder, { programFolder, half, examples: EXAMPLES });
  return folder.path;
}

/** What the page itself computes, as its console would tell. */
async function logitsOf(page: Page, premise: string, hypothesis: string): Promise<Float32Array> {
  const words = `${JSON.stringify(premise)}, ${JSON.stringify(hypothesis)}`;
  const script = `entailPlayground.answer(${words}).then(({ logits }) => [...logits])`;
  return Float32Array.from((await page.evaluate(script)) as number[]);
}

describe.each([
  ["the book's network with its words", BOOK],
  ['BERT with WordPiece', BERT],
])('a page of %s', (_, config) => {
  it.each([
    ['32', false, 2e-5],
    ['16', true, 2e-2],
  ] as const)(
    'opened as a file, answers as our engine does, with %s-bit weights',
    async (_bits, half, tolerance) => {
      const model = await randomModel(config);
      const { page, context, asked, complaints } = await open(await exported(model, half));
      await page.getByLabel('Premise').fill(TYPED[0]);
      await page.getByLabel('Hypothesis').fill(TYPED[1]);
      const encoded = encodedPair(model, ...TYPED);
      await page.getByText(`${encoded.ids.length} tokens`).waitFor();
      const own = await ownLogits(model, paddedBatch([encoded]));
      expect(largestDifference(await logitsOf(page, ...TYPED), own)).toBeLessThan(tolerance);
      const shown = await page.locator('.share').allTextContents();
      const sum = shown.reduce((total, text) => total + Number.parseFloat(text), 0);
      expect(sum).toBeCloseTo(100, 0);
      const best = model.labels[own.indexOf(Math.max(...own))]!;
      expect(await page.locator('#verdict').textContent()).toBe(best);
      expect(await page.locator('.best .label').textContent()).toBe(best);
      expect(complaints).toEqual([]);
      expect(asked.filter((url) => !url.startsWith('file:'))).toEqual([]);
      await context.close();
      await model.close();
    },
  );
});

it('says which words it has never seen, and what was cut off', async () => {
  const model = await randomModel(BOOK);
  const { page, context } = await open(await exported(model));
  await page.getByLabel('Premise').fill(`A zebra ${'sits '.repeat(60)}`);
  await page.getByText('It has never seen “zebra”').waitFor();
  expect(await page.getByText('Only the first 40 tokens were read').count()).toBe(1);
  await context.close();
  await model.close();
});

it('works by keyboard, and axe finds nothing, in light and dark', async () => {
  const model = {
    ...(await randomModel(BOOK)),
    name: 'My model </script><script>alert(1)</script> & "others"',
  };
  const folder = await exported(model);
  mkdirSync(join(import.meta.dirname, 'screenshots'), { recursive: true });
  for (const theme of ['light', 'dark'] as const) {
    const { page, context, complaints } = await open(folder, theme);
    expect(await page.locator('h1').textContent()).toBe(model.name);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('A cat sleeps.');
    for (const _ of ['hypothesis', 'first example', 'second example']) await page.keyboard.press('Tab');
    expect(await page.getByLabel('Premise').inputValue()).toBe('A cat sleeps.');
    await page.keyboard.press('Enter');
    expect(await page.getByLabel('Hypothesis').inputValue()).toBe(EXAMPLES[1]!.hypothesis);
    await page.evaluate(AXE);
    const violations = await page.evaluate(`axe.run(document, { preload: false }).then(({ violations }) =>
      violations.map(({ id, nodes }) => id + ' ' + nodes[0].html.slice(0, 120)))`);
    expect(violations).toEqual([]);
    expect(complaints).toEqual([]);
    await page.screenshot({ path: join(import.meta.dirname, 'screenshots', `exportedPage-${theme}.png`) });
    await context.close();
  }
});

it('has one field for a model of single texts', async () => {
  const model: ExportedModel = { ...(await randomModel(BOOK)), sentencesPerExample: 1 };
  const folder = emptyExportFolder();
  const examples = [{ premise: 'The man sleeps.', hypothesis: null }];
  await writePage(model, folder, { programFolder, half: false, examples });
  const { page, context, complaints } = await open(folder.path);
  await page.getByLabel('Text', { exact: true }).fill('A dog runs.');
  const encoded = encodedPair(model, 'A dog runs.', null);
  await page.getByText(`${encoded.ids.length} tokens`).waitFor();
  expect(await page.getByLabel('Hypothesis').isVisible()).toBe(false);
  const logits = (await page.evaluate(
    "entailPlayground.answer('A dog runs.', null).then(({ logits }) => [...logits])",
  )) as number[];
  const own = await ownLogits(model, paddedBatch([encoded]));
  expect(largestDifference(Float32Array.from(logits), own)).toBeLessThan(2e-5);
  expect(complaints).toEqual([]);
  await context.close();
});

it('says which file is missing', async () => {
  const model = await randomModel(BOOK);
  const folder = await exported(model);
  rmSync(join(folder, 'weights-001.js'));
  const { page, context } = await opened(folder);
  expect(await page.locator('#status').textContent()).toBe(
    'The file weights-001.js is missing beside index.html.',
  );
  expect(await page.getByLabel('Premise').isVisible()).toBe(false);
  await context.close();
  await model.close();
});
