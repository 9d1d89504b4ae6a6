/** @file Tests. What a person does in the studio, in a real Chromium over the real host with real workers; each page looked at by axe. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { QUICK } from '../../shared/presets.ts';
import { shownContents, storedContents } from '../support/shownRun.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const SCREENSHOTS = join(import.meta.dirname, 'screenshots');
/** Small, but long enough to be paused, reloaded and stopped. */
const LONG = hyperparametersSchema.parse({ ...QUICK, hidden: 32, epochs: 60 });
/** Done in a few seconds, and has learnt something by then. */
const SHORT = hyperparametersSchema.parse({
  ...QUICK,
  layers: 1,
  hidden: 32,
  heads: 4,
  feedForward: 32,
  epochs: 2,
});

const folder = temporaryFolder();
let studio: StudioInBrowser;
let first = '';
let short = '';

/** "runs", "run" for one of them, "datasets-import". */
const nameOf = (hash: string) =>
  hash
    .replace(/^runs\/.*/, 'run')
    .replace(/[/?](?!sample|import).*/, '')
    .replace(/\W+/g, '-');
const stateOf = async (run: string) => (await studio.call('runs/show', { run })).state;
const untilState = (run: string, state: string) =>
  studio.until(
    () => stateOf(run),
    (found) => found === state,
  );
const add = async (name: string, hyperparameters = SHORT) => {
  const request = { dataset: 'sample', name, hyperparameters, engine: 'wasm' as const };
  return (await studio.call('queue/add', { requests: [request], place: 'back' })).ids[0]!;
};

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  studio = await StudioInBrowser.open(folder);
});

afterAll(async () => {
  await studio?.close();
});

it('leads from an empty studio to a trained sample and what it gets wrong', async () => {
  const { page } = studio;
  await studio.goTo('');
  await page.getByRole('heading', { name: 'Begin' }).waitFor();
  await page.getByRole('button', { name: 'Try the sample' }).click();
  await page.getByRole('heading', { name: 'first try' }).waitFor();
  await page.getByText('completed').first().waitFor({ timeout: 600_000 });
  first = (await studio.call('runs/table', {})).ids[0]!;
  await page.getByRole('link', { name: 'See what it gets wrong' }).click();
  await page.getByRole('button', { name: /^contradiction called neutral/ }).click();
  await page.getByText(/are contradiction but were called neutral/).waitFor();
  await page.getByRole('region', { name: 'Examples' }).getByRole('article').first().waitFor();
});

it('keeps a run going through a reload, pauses it, goes on, stops it and resumes it', async () => {
  const { page } = studio;
  const run = await add('long', LONG);
  await untilState(run, 'running');
  await studio.goTo(`#/runs/${run}`);
  await page.getByRole('button', { name: 'Pause' }).waitFor();
  await studio.until(
    async () => storedContents(folder, run).curves['step/loss']!.length,
    (points) => points > 50,
  );
  await page.reload();
  await page.getByRole('region', { name: 'Step loss', exact: true }).waitFor();
  await studio.until(
    async () => storedContents(folder, run).curves['step/loss']!.length,
    (points) => points > 100,
  );
  await page.getByRole('button', { name: 'Pause' }).click();
  await untilState(run, 'paused');
  // What was before the reload, and what came after it: all of it, and nothing twice. The machine is sampled on.
  await studio.until(
    async () => isDeepStrictEqual(await shownContents(page), storedContents(folder, run)),
    (same) => same,
  );
  await page.getByRole('button', { name: 'Go on' }).click();
  await untilState(run, 'running');
  // A model can be asked while another one trains.
  await studio.goTo(`#/playground?models=${first}`);
  await page.getByLabel('Hypothesis').fill('A person is eating.');
  await page.getByText(/^(under 1|\d+) ms$/).waitFor();
  expect(await stateOf(run)).toBe('running');
  await studio.goTo(`#/runs/${run}`);
  await page.getByRole('button', { name: 'Stop and keep' }).click();
  await untilState(run, 'stopped');
  const stopped = await studio.call('runs/show', { run });
  expect(stopped.result?.testAccuracy).toBeGreaterThan(0.2);
  expect(stopped.predictions).toHaveLength(1);
  await page.getByRole('button', { name: 'Resume' }).click();
  await untilState(run, 'running');
  await studio.call('runs/stop', { run, how: 'now' });
  await page.getByText('It was ended at once, as you asked.').waitFor();
  expect(await stateOf(run)).toBe('interrupted');
});

it('moves waiting runs by keys, in the order in which they then train', async () => {
  const { page } = studio;
  await studio.call('queue/pause', { paused: true });
  const ids = [await add('one'), await add('two'), await add('three')];
  await studio.goTo('#/queue');
  await page.getByLabel('three, place 3 of 3').focus();
  await page.keyboard.press('ArrowUp');
  await page.getByLabel('three, place 2 of 3').waitFor();
  await page.getByRole('button', { name: 'Remove one' }).click();
  await page.getByLabel('three, place 1 of 2').waitFor();
  await page.getByRole('button', { name: 'Go on with the queue' }).click();
  await untilState(ids[1]!, 'completed');
  await untilState(ids[2]!, 'completed');
  const started = await Promise.all(
    ids.slice(1).map(async (run) => (await studio.call('runs/show', { run })).startedAt!),
  );
  expect(started[1]! < started[0]!).toBe(true);
  short = ids[1]!;
});

it('makes several runs of one form, and says how many on the button', async () => {
  const { page } = studio;
  await studio.call('queue/pause', { paused: true });
  await studio.goTo(`#/new?clone=${short}`);
  await page.getByText('cloned from two').waitFor();
  await page.getByLabel('Seed', { exact: true }).fill('0..2');
  await page.getByLabel('Learning rate').fill('1e-3, nonsense');
  await page.getByText('Learning rate cannot be "nonsense"').first().waitFor();
  await page.getByRole('button', { name: /^Add/, disabled: true }).waitFor();
  await page.getByLabel('Learning rate').fill('3e-3, 6e-3');
  await page.getByText('was 0.0015').waitFor();
  await page.getByRole('button', { name: 'Add 6 runs to queue' }).click();
  await page.getByRole('heading', { name: 'Queue' }).waitFor();
  const { waiting } = await studio.call('queue/show', {});
  expect(waiting).toHaveLength(6);
  // They train while the next tests go on.
  await studio.call('queue/pause', { paused: false });
});

it('shows what is wrong with a bad file, and imports a good one', async () => {
  const { page } = studio;
  await studio.goTo('#/datasets?import=yes');
  const choose = page.locator('input[type=file]').first();
  await choose.setInputFiles({
    name: 'bad.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from([0x50, 0x4b, 0, 1, 2, 0]),
  });
  await page.getByRole('alert').waitFor();
  const lines = Array.from(
    { length: 60 },
    (_, at) => `A man walks ${at}.,A man moves.,${['entailment', 'neutral', 'contradiction'][at % 3]}`,
  );
  const buffer = Buffer.from(`premise,hypothesis,label\n${lines.join('\n')}\n`);
  await choose.setInputFiles({ name: 'pairs.csv', mimeType: 'text/csv', buffer });
  await page.getByText('columns guessed from the header').waitFor();
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByRole('heading', { name: 'What was found' }).waitFor();
  expect((await studio.call('datasets/show', { name: 'pairs' })).rows.train).toBe(48);
});

it('is used by keys alone: palette, pages, a row of the table', async () => {
  const { page } = studio;
  await studio.goTo('#/settings');
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Search everything' }).fill('go to runs');
  await page.keyboard.press('Enter');
  await page.getByRole('grid', { name: 'Runs' }).waitFor();
  // Keys belong to the palette as long as it is there.
  await page.getByRole('combobox', { name: 'Search everything' }).waitFor({ state: 'detached' });
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await page.getByText(/^\d selected/).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('accuracy > 1 and');
  await page.getByRole('textbox', { name: 'Filter' }).fill('name contains first');
  await page.getByText(/^1 of \d+ runs/).waitFor();
});

it.each(['light', 'dark'] as const)(
  'has nothing serious for axe on any page, in the %s theme',
  async (theme) => {
    const { page } = studio;
    await studio.until(
      () => studio.call('queue/show', {}),
      ({ waiting, running }) => waiting.length + running.length === 0,
    );
    await studio.goTo('#/runs');
    await page.getByRole('textbox', { name: 'Filter' }).fill('');
    await studio.setTheme(theme);
    const pages = [
      'runs',
      `runs/${first}`,
      'new',
      'queue',
      `compare?runs=${(await studio.call('runs/table', {})).ids.slice(-5).join()}`,
      `errors/${first}`,
      `playground?models=${first}`,
      'datasets',
      'datasets/sample',
      'datasets?import=yes',
      'models',
      'exports',
      `exports?run=${first}`,
      'engines',
      'settings',
      'start',
      'nowhere',
    ];
    const found: Record<string, unknown> = {};
    for (const hash of pages) {
      await studio.goTo(`#/${hash}`);
      await page.locator('h1').waitFor();
      await studio.until(
        () => page.locator('[aria-busy="true"]').count(),
        (busy) => busy === 0,
      );
      await page.screenshot({ path: join(SCREENSHOTS, `${nameOf(hash)}-${theme}.png`) });
      const violations = await studio.seriousViolations();
      if (violations.length > 0) found[hash] = violations;
    }
    expect(found).toEqual({});
  },
);

it('begins in the theme of last time, before any script of the page has run', async () => {
  const { page, host } = studio;
  const bare = await page.context().newPage();
  await bare.route('**/assets/*.js', (route) => route.abort());
  await bare.goto(host.server.origin);
  expect(await bare.locator('html').getAttribute('data-theme')).toBe('dark');
  await bare.close();
});

it('asks for a run once, and before any script of the page has run', async () => {
  const { page, host } = studio;
  const tab = await page.context().newPage();
  const asked: string[] = [];
  tab.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await tab.goto(`${host.server.origin}/#/runs/${first}`);
  await tab.getByRole('region', { name: 'Step loss', exact: true }).waitFor();
  for (const route of ['runs/table', 'runs/show', 'runs/log'])
    expect(asked.filter((path) => path === `/rpc/${route}`)).toHaveLength(1);
  expect(asked.indexOf('/rpc/runs/show')).toBeLessThan(asked.indexOf('/rpc/queue/show'));
  await tab.close();
});

it('has written nothing to the console, and broken no policy', () => {
  expect(studio.complaints).toEqual([]);
});
