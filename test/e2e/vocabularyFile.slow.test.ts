/** @file Tests. A new run with a vocabulary file, as a person makes it: chosen from the studio's folders, saved, queued, cloned. */
import { readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SMALL_PIECES, SMALL_VOCAB_TXT } from '../support/smallWordPiece.ts';
import { importTinyPairs } from '../support/studioCalls.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

let studio: StudioInBrowser;
const vocabularyFolder = temporaryFolder();
const vocabularyPath = join(vocabularyFolder, 'vocab.txt');

beforeAll(async () => {
  writeFileSync(vocabularyPath, SMALL_VOCAB_TXT);
  const folder = temporaryFolder();
  await importTinyPairs(folder);
  studio = await StudioInBrowser.open(folder);
  await studio.call('queue/pause', { paused: true });
});

afterAll(async () => {
  await studio?.close();
});

const tokens = `${SMALL_PIECES.length} WordPiece tokens`;

it('is chosen from the folders of the studio’s machine, and the estimate counts its tokens', async () => {
  const { page } = studio;
  await studio.goTo('#/new');
  await page.getByText(/^\d+ words · engine/).waitFor();
  await page.getByLabel('Vocabulary', { exact: true }).selectOption('a vocabulary file …');
  await page.getByText('Choose a vocabulary file.').waitFor();
  await page.getByRole('button', { name: 'Start', exact: true, disabled: true }).waitFor();
  await page.getByRole('button', { name: "On the studio's machine …" }).click();
  const path = page.getByRole('dialog').getByLabel('Path');
  expect(relative(homedir(), await path.inputValue())).toBe('');
  await path.fill(vocabularyFolder);
  await page.getByRole('button', { name: 'Use this' }).click();
  expect(await page.getByLabel('Vocabulary file').inputValue()).toBe(vocabularyFolder);
  await page.getByText(tokens).waitFor();
  await page.getByLabel('Vocabulary file').fill(vocabularyPath);
  await page.getByText(tokens).waitFor();
  expect(await page.getByText('No pair is longer').count()).toBe(0);
  expect(await studio.seriousViolations()).toEqual([]);
});

it('is in the file that "Save as file" writes, and comes back from it', async () => {
  const { page } = studio;
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Save as file' }).click(),
  ]);
  const saved = readFileSync(await download.path(), 'utf8');
  expect(JSON.parse(saved)).toMatchObject({ vocabularyPath });
  await page.getByLabel('Vocabulary', { exact: true }).selectOption('words of the training split');
  await page.getByText(/^\d+ words · engine/).waitFor();
  const open = (text: string) =>
    page
      .getByLabel('Configuration file')
      .setInputFiles({ name: 'a.entail', mimeType: 'application/json', buffer: Buffer.from(text) });
  await open(saved);
  await page.getByText(tokens).waitFor();
  expect(await page.getByLabel('Vocabulary file').inputValue()).toBe(vocabularyPath);
  // A file from before there was a choice has the words of the training split.
  const { vocabularyPath: _, ...earlier } = JSON.parse(saved) as Record<string, unknown>;
  await open(JSON.stringify(earlier));
  await page.getByText(/^\d+ words · engine/).waitFor();
  await open(saved);
  await page.getByText(tokens).waitFor();
});

it('is queued, and cloned with the vocabulary that the run keeps', async () => {
  const { page } = studio;
  await page.getByRole('button', { name: 'Add to queue' }).click();
  await page.getByRole('heading', { name: 'Queue' }).waitFor();
  const { waiting } = await studio.call('queue/show', {});
  expect(waiting).toHaveLength(1);
  const run = await studio.call('runs/show', { run: waiting[0]!.id });
  expect(run.config).toMatchObject({
    tokenizer: 'wordpiece',
    model: { vocabularySize: SMALL_PIECES.length },
  });
  await studio.goTo(`#/runs/${run.id}`);
  await page.getByText(new RegExp(`heads, ${tokens}`)).waitFor();
  await studio.goTo(`#/new?clone=${run.id}`);
  await page.getByText(tokens).waitFor();
  expect(await page.getByLabel('Vocabulary file').inputValue()).toBe(run.folder);
  expect(studio.complaints).toEqual([]);
});
