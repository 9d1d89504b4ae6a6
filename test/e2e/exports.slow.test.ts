/** @file Tests. Exporting from the studio as a person does, in a real Chromium: the form, its progress, the list, the report. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildExportPageIfNeeded } from '../../main/start/buildExportPage.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { QUICK } from '../../shared/presets.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const SCREENSHOTS = join(import.meta.dirname, 'screenshots');
const SHORT = hyperparametersSchema.parse({
  ...QUICK,
  ...{ layers: 1, hidden: 32, heads: 4, feedForward: 32, epochs: 1 },
});

const target = join(temporaryFolder(), 'exported');
let studio: StudioInBrowser;
let run = '';

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  await buildExportPageIfNeeded(() => {});
  studio = await StudioInBrowser.open();
  const { job } = await studio.call('datasets/importSample', {});
  await studio.until(
    async () => (await studio.call('jobs/list', {})).find(({ id }) => id === job)?.state,
    (state) => state === 'done',
  );
  const request = { dataset: 'sample', name: 'to export', hyperparameters: SHORT, engine: 'wasm' as const };
  run = (await studio.call('queue/add', { requests: [request], place: 'back' })).ids[0]!;
  await studio.until(
    async () => (await studio.call('runs/show', { run })).state,
    (state) => state === 'completed',
  );
});

afterAll(async () => {
  await studio?.close();
});

it('leads from the page of a run to formats that give the same answers, and shows on what that was seen', async () => {
  const { page } = studio;
  await studio.goTo(`#/runs/${run}`);
  await page.getByRole('link', { name: 'Export', exact: true }).click();
  await page.getByRole('heading', { name: 'Export to export' }).waitFor();
  for (const format of ['ONNX', 'Web page', 'PyTorch'])
    await page.getByLabel(format, { exact: true }).check();
  await page.getByLabel('Folder', { exact: true }).fill(target);
  await page.getByLabel('Licence of the data').fill('CC0');
  await page.screenshot({ path: join(SCREENSHOTS, 'exports-form.png') });
  expect(await studio.seriousViolations()).toEqual([]);
  await page.getByRole('button', { name: 'Export 4 formats' }).click();
  // The whole word: while the last one is compared, a button says "Keep it, unverified".
  await page.getByText('verified', { exact: true }).nth(3).waitFor({ timeout: 600_000 });
  for (const format of ['hf', 'onnx', 'web', 'torch'])
    expect(existsSync(join(target, format, 'parity.json')), format).toBe(true);
  expect(readFileSync(join(target, 'hf', 'README.md'), 'utf8')).toContain('Data: CC0');
  await page.screenshot({ path: join(SCREENSHOTS, 'exports.png') });
  expect(await studio.seriousViolations()).toEqual([]);
  await page.getByRole('link', { name: 'ONNX' }).click();
  await page.getByText('Largest difference of a logit').waitFor();
  await page.getByText(/Answers of 1,200 of 1,200 rows: all rows of the split/).waitFor();
  await page.screenshot({ path: join(SCREENSHOTS, 'exports-report.png') });
  expect(await studio.seriousViolations()).toEqual([]);
  await studio.setTheme('dark');
  expect(await studio.seriousViolations()).toEqual([]);
  await page.screenshot({ path: join(SCREENSHOTS, 'exports-report-dark.png') });
});

it('says of a folder that is gone that it is, and of one that is not ours that it stays', async () => {
  const { page } = studio;
  rmSync(join(target, 'torch'), { recursive: true });
  await studio.goTo('#/exports');
  await page.getByText('gone:').waitFor();
  await studio.goTo(`#/exports?run=${run}`);
  const foreign = temporaryFolder();
  writeFileSync(join(foreign, 'letter.txt'), 'Dear reader');
  await page.getByLabel('Folder', { exact: true }).fill(foreign);
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  await page.getByText(/is not an export of Entail, and is not replaced\./).waitFor();
  expect(readFileSync(join(foreign, 'letter.txt'), 'utf8')).toBe('Dear reader');
  expect(studio.complaints).toEqual([]);
});

it('suggests a folder for one format that the next one does not replace', async () => {
  const { page } = studio;
  await studio.goTo('#/exports');
  await studio.goTo(`#/exports?run=${run}`);
  const folder = page.getByLabel('Folder', { exact: true });
  await page.getByLabel('Hugging Face folder', { exact: true }).waitFor();
  expect(await folder.inputValue()).toMatch(new RegExp(`/exports/to-export-${run}/hf$`));
  await page.getByLabel('ONNX', { exact: true }).check();
  expect(await folder.inputValue()).toMatch(new RegExp(`/exports/to-export-${run}$`));
  await page.getByLabel('Hugging Face folder', { exact: true }).uncheck();
  expect(await folder.inputValue()).toMatch(/[/]onnx$/);
  await folder.fill('/somewhere/else');
  await page.getByLabel('PyTorch', { exact: true }).check();
  expect(await folder.inputValue()).toBe('/somewhere/else');
});

it('takes in a run file and leads to the run', async () => {
  const { page } = studio;
  const folder = join(temporaryFolder(), 'run');
  const { job } = await studio.call('exports/start', { run, to: ['run'], folder });
  await studio.until(
    async () => (await studio.call('jobs/list', {})).find(({ id }) => id === job)?.state,
    (state) => state !== 'running',
  );
  await studio.goTo('#/exports');
  await page.getByRole('button', { name: 'Import a run …' }).click();
  await page.getByLabel("Path on the studio's machine").fill(join(folder, `${run}.entail-run.zip`));
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.waitForURL(/#\/runs\/r/);
  const [newest] = (await studio.call('runs/table', {})).ids;
  expect(newest).not.toBe(run);
  const [here, there] = [
    await studio.call('runs/show', { run: newest! }),
    await studio.call('runs/show', { run }),
  ];
  expect(here.configHash).toBe(there.configHash);
  expect(here.result).toEqual(there.result);
  expect(here.evaluations).toEqual(there.evaluations);
});
