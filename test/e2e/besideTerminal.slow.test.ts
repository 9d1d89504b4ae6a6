/** @file Tests. Pages that stay open while a command line works on the same data directory: right without being loaded again. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { numberedPairs, writePairsCsv } from '../support/pairsCsv.ts';
import { runEntail } from '../support/runEntail.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const home = temporaryFolder();
let studio: StudioInBrowser;

beforeAll(async () => {
  studio = await StudioInBrowser.open(home);
});
afterAll(async () => {
  await studio?.close();
});

const entail = async (...words: string[]) =>
  expect(await runEntail(words, { home })).toMatchObject({ code: 0, stderr: '' });

it('the list of data sets, and the form of a new run', async () => {
  const { page } = studio;
  const csv = join(temporaryFolder(), 'pairs.csv');
  writePairsCsv(csv, numberedPairs(60));
  await studio.goTo('#/datasets');
  await page.getByRole('heading', { name: 'No data sets yet' }).waitFor();
  await entail('datasets', 'import', csv, '--name', 'first');
  await page.getByRole('link', { name: 'first' }).waitFor();

  await studio.goTo('#/new');
  await page.getByLabel('Data set').selectOption('first');
  await entail('datasets', 'import', csv, '--name', 'second');
  await page.getByRole('option', { name: /^second/ }).waitFor({ state: 'attached' });
  expect(await page.getByLabel('Data set').inputValue()).toBe('first');
  await entail('datasets', 'delete', 'first', '--yes');
  await page.getByText('There is no data set called first to train on any more').first().waitFor();
  await page.getByRole('button', { name: 'Start', disabled: true }).waitFor();
  await page.getByLabel('Data set').selectOption('second');
  await page.getByText('There is no data set called first').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Start', disabled: false }).waitFor();

  await studio.goTo('#/datasets/second');
  await page.getByRole('heading', { name: 'second' }).waitFor();
  await entail('datasets', 'delete', 'second', '--yes');
  await page.getByText('There is no data set called second.').waitFor();
  expect(studio.complaints).toEqual([]);
});
