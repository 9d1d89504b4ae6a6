/** @file Tests. Pretraining in the studio, in a real Chromium: a text, a run, its charts, fine-tuning from it, comparing. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PRETRAINING_DEFAULTS } from '../../shared/pretraining.ts';
import { topicalText } from '../support/pretrainedRun.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const SCREENSHOTS = join(import.meta.dirname, 'screenshots');
const folder = temporaryFolder();
let studio: StudioInBrowser;
let pretrained = '';

const stateOf = async (run: string) => (await studio.call('runs/show', { run })).state;
const untilCompleted = (run: string) =>
  studio.until(
    () => stateOf(run),
    (state) => state === 'completed' || state === 'failed',
  );

async function picture(name: string): Promise<void> {
  for (const theme of ['light', 'dark'] as const) {
    await studio.setTheme(theme);
    expect(await studio.seriousViolations(), `${name}, ${theme}`).toEqual([]);
    await studio.page.screenshot({ path: join(SCREENSHOTS, `${name}-${theme}.png`) });
  }
}

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  studio = await StudioInBrowser.open(folder);
});

afterAll(async () => {
  await studio?.close();
});

it('leads from a text file to a pretrained network', async () => {
  const { page } = studio;
  const path = join(temporaryFolder(), 'topics.txt');
  writeFileSync(path, topicalText(400));
  await studio.goTo('#/new?kind=pretraining');
  await page.getByRole('button', { name: 'Pretrain on a text', pressed: true }).waitFor();
  await page.getByRole('button', { name: "On the studio's machine …" }).click();
  await page.getByLabel('Path').fill(path);
  await page.getByRole('button', { name: 'Use this' }).click();
  await page.getByText(/1,520 sentences in 380 paragraphs/).waitFor();
  for (const [name, value] of [
    ['Hidden width', '32'],
    ['Feed-forward width', '64'],
    ['Longest pair', '32'],
    ['Batch size', '64'],
    ['Epochs', '6'],
    ['Learning rate', '0.005'],
  ] as const)
    await page.getByLabel(name, { exact: true }).fill(value);
  await page.getByText('There is a text for validation.').waitFor();
  await picture('new-pretraining');
  await page.getByLabel('Name', { exact: true }).fill('topics');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByRole('heading', { name: 'topics' }).waitFor();
  pretrained = (await studio.call('runs/table', {})).ids[0]!;
  expect(await untilCompleted(pretrained)).toBe('completed');
  await page.getByText('completed').first().waitFor();
  for (const name of ['Step masked-word loss', 'Step next-sentence loss', 'Dev masked-word accuracy'])
    await page.getByRole('region', { name, exact: true }).waitFor();
  await page.getByText('Masked words', { exact: true }).waitFor();
  await page
    .getByRole('columnheader', { name: 'the next sentence' })
    .or(page.getByText('the next sentence').first())
    .first()
    .waitFor();
  expect(await page.getByRole('link', { name: 'Playground' }).count()).toBeLessThan(2);
  await picture('run-pretraining');
  const shown = await studio.call('runs/show', { run: pretrained });
  expect(shown.result?.pretraining?.maskedLoss).toBeLessThan(Math.log(shown.config.model.vocabularySize));
  expect(shown.config.dataset.name).toBe('topics');
});

it('is fine-tuned from, and answers nothing itself', async () => {
  const { page } = studio;
  const job = (await studio.call('datasets/importSample', {})).job;
  await studio.until(
    async () => (await studio.call('jobs/list', {})).find(({ id }) => id === job)?.state,
    (state) => state !== 'running',
  );
  await studio.goTo(`#/runs/${pretrained}`);
  await page.getByRole('link', { name: 'Fine-tune from it' }).click();
  await page.getByRole('button', { name: 'Fine-tune on labelled pairs', pressed: true }).waitFor();
  await expect.poll(() => page.getByLabel('Start from').inputValue()).toBe(pretrained);
  await page.getByLabel('Data set').selectOption('sample');
  await page.getByLabel('Epochs', { exact: true }).fill('1');
  await page.getByLabel('Longest pair', { exact: true }).fill('32');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  const tuned = await studio.until(
    async () => (await studio.call('runs/table', {})).ids.find((id) => id !== pretrained),
    (id) => id !== undefined,
  );
  expect(await untilCompleted(tuned!)).toBe('completed');
  const { config } = await studio.call('runs/show', { run: tuned! });
  expect(config.startFrom).toContain(pretrained);
  expect(config.model).toMatchObject({ hidden: 32, classes: 3 });
  await studio.goTo('#/playground');
  const offered = page.getByLabel('Model', { exact: true }).locator('option');
  await offered.first().waitFor({ state: 'attached' });
  const models = await offered.allTextContents();
  expect(models.some((name) => name.includes('topics'))).toBe(false);
});

it('compares pretraining runs by what they measure', async () => {
  const { page } = studio;
  const hyperparameters = {
    ...PRETRAINING_DEFAULTS,
    ...{ hidden: 16, feedForward: 32, maxLen: 32, batchSize: 64, epochs: 3, lr: 0.005 },
  };
  const request = { kind: 'pretraining' as const, dataset: 'topics', name: 'narrower', hyperparameters };
  const [other] = (await studio.call('queue/add', { requests: [request], place: 'back' })).ids;
  expect(await untilCompleted(other!)).toBe('completed');
  await studio.goTo(`#/compare?runs=${pretrained},${other}`);
  await page.getByRole('region', { name: 'Step masked-word loss', exact: true }).waitFor();
  await page.getByText('Dev masked-word loss').first().waitFor();
  await picture('compare-pretraining');
  expect(studio.complaints).toEqual([]);
});
