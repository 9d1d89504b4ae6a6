/** @file Tests. What a person does on the pages of runs with runs of several kinds in them: trained, repeated, waiting. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackTable } from '../../renderer/state/unpackedTable.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { QUICK } from '../../shared/presets.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';

/** Learns little, but does everything. */
const SMALL = hyperparametersSchema.parse({
  ...QUICK,
  ...{ layers: 1, hidden: 16, heads: 2, feedForward: 16, epochs: 1, evaluateEvery: 40 },
});

let studio: StudioInBrowser;
/** In the order in which they were made: two trainings that differ in the seed alone, one with another rate, one that waits. */
let ids: readonly string[];

beforeAll(async () => {
  studio = await StudioInBrowser.open();
  const { job } = await studio.call('datasets/importSample', {});
  await studio.until(
    () => studio.call('jobs/list', {}),
    (jobs) => jobs.find(({ id }) => id === job)?.state === 'done',
  );
  const add = async (runs: readonly (readonly [string, number, number])[]) =>
    (
      await studio.call('queue/add', {
        requests: runs.map(([name, lr, seed]) => ({
          dataset: 'sample',
          name,
          hyperparameters: { ...SMALL, lr, seed },
          engine: 'wasm' as const,
        })),
        place: 'back',
      })
    ).ids;
  const trained = await add([
    ['twin', 3e-3, 0],
    ['twin', 3e-3, 1],
    ['slow', 1e-5, 0],
  ]);
  await studio.until(
    async () => unpackTable(await studio.call('runs/table', {})),
    ({ states }) => states.every((state) => state === 'completed'),
  );
  await studio.call('queue/pause', { paused: true });
  ids = [...trained, ...(await add([['waiting', 1e-4, 0]]))];
});

afterAll(async () => {
  await studio?.close();
});

describe('the table of runs', () => {
  it('is filtered by conditions that are chosen, and keeps what is edited while runs change', async () => {
    const { page } = studio;
    await studio.goTo('#/runs');
    await page.getByRole('button', { name: 'Filter…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Filter runs' });
    await dialog.getByLabel('Field').selectOption({ label: 'Run' });
    await dialog.getByLabel('Operator').selectOption('contains');
    await dialog.getByLabel('Value').fill('wai');
    await studio.call('runs/annotate', { ids: [ids[0]!], notes: 'changed meanwhile' });
    await page.waitForTimeout(500);
    expect(await dialog.getByLabel('Value').inputValue()).toBe('wai');
    await dialog.getByRole('button', { name: 'Apply' }).click();
    await page.getByText(/^1 of 4 runs/).waitFor();
    await page.getByRole('button', { name: 'Filter…' }).click();
    expect(await dialog.getByLabel('Value').inputValue()).toBe('wai');
    await dialog.getByRole('button', { name: 'Clear' }).click();
    await page.getByText(/^4 of 4 runs/).waitFor();
  });
});

describe('runs among others', () => {
  it('say their state beside the name, and stand once when pinned', async () => {
    const { page } = studio;
    await studio.goTo('#/runs');
    const grid = page.getByRole('grid', { name: 'Runs' });
    const headings = grid.getByRole('columnheader');
    await expect.poll(async () => (await headings.allInnerTexts()).slice(1, 3)).toEqual(['Run', 'State']);
    expect(await grid.getByRole('row', { name: /waiting/ }).innerText()).toContain('waiting');
    await grid.focus();
    await page.keyboard.press('p');
    await grid.getByRole('row').nth(1).getByText('waiting').first().waitFor();
    expect(await grid.getByRole('row', { name: /waiting/ }).count()).toBe(1);
    await page.keyboard.press('p');
  });

  it('are pinned, made the baseline and coloured without a key, and the colour is taken back', async () => {
    const { page } = studio;
    const colourOf = async () => unpackTable(await studio.call('runs/table', { ids: [ids[2]!] })).colours[0];
    await studio.goTo('#/runs');
    const before = await colourOf();
    const row = page.getByRole('grid', { name: 'Runs' }).getByRole('row', { name: /slow/ });
    await row.getByRole('checkbox').check();
    const bar = page.getByRole('toolbar', { name: 'Selected runs' });
    await bar.getByRole('button', { name: 'Baseline' }).click();
    await row.first().getByText('baseline').waitFor();
    await bar.getByRole('button', { name: 'No baseline' }).click();
    await bar.getByRole('button', { name: 'Pin', exact: true }).click();
    await bar.getByRole('button', { name: 'Unpin' }).click();
    await bar.getByRole('button', { name: 'Colour' }).click();
    await page.getByRole('menuitem', { name: before === 2 ? 'Brown' : 'Teal' }).click();
    await studio.until(colourOf, (found) => found === (before === 2 ? 6 : 2));
    await page.getByRole('button', { name: 'Undo' }).click();
    await studio.until(colourOf, (found) => found === before);
    await bar.getByRole('button', { name: 'Select nothing' }).click();
  });

  it('are told apart by what differs where they are called the same', async () => {
    const { page } = studio;
    await studio.goTo(`#/compare?runs=${ids.slice(0, 3).join()}`);
    const table = page.getByRole('region', { name: 'Results and settings of the runs' });
    await table.getByRole('link', { name: 'twin · seed 1' }).waitFor();
    await table.getByRole('link', { name: 'slow', exact: true }).waitFor();
    await studio.goTo(`#/errors/${ids[0]}`);
    const others = page.getByLabel('Against').locator('option');
    await expect.poll(() => others.allTextContents()).toContain('against twin · seed 1');
  });

  it('are compared in what they get wrong with the run that was chosen last', async () => {
    const { page } = studio;
    const [run, ...others] = ids as [string, string, string];
    const changesOf = async (against: string) => {
      const { changes } = await studio.call('errors/overview', { run, split: 'test', against });
      return [changes!.fixed, changes!.broken, changes!.bothWrong];
    };
    const [first, last] = [await changesOf(others[0]!), await changesOf(others[1]!)];
    expect(first).not.toEqual(last);
    const late = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    await page.route('**/rpc/errors/overview', async (route) => {
      if (!route.request().postData()!.includes(others[0]!)) return route.continue();
      const response = await route.fetch();
      asked.resolve();
      await late.promise;
      await route.fulfill({ response });
    });
    await studio.goTo(`#/errors/${run}`);
    const against = page.getByLabel('Against');
    await against.selectOption(others[0]!);
    await asked.promise;
    await against.selectOption(others[1]!);
    const shown = () => page.locator('.changes b').allTextContents();
    const asShown = last.map((count) => count.toLocaleString('en'));
    await expect.poll(shown).toEqual(asShown);
    const answered = page.waitForResponse(
      (response) => response.request().postData()?.includes(others[0]!) === true,
    );
    late.resolve();
    await answered;
    await page.unroute('**/rpc/errors/overview');
    await page.waitForTimeout(300);
    expect(await shown()).toEqual(asShown);
  });
});

describe('a curve', () => {
  it('tells its values inside the window, however near the edge', async () => {
    const { page } = studio;
    await studio.goTo('#/runs');
    const plot = page.getByRole('region', { name: 'Step loss' }).locator('.u-over');
    const { width } = (await plot.boundingBox())!;
    for (const share of [0.05, 0.5, 0.95]) {
      // Not by coordinates of the window: charts that arrive above move it.
      await plot.hover({ position: { x: width * share, y: 60 } });
      // Two are called the same, and are one line of the table.
      await expect.poll(() => page.locator('.tooltip').innerText()).toContain('Seed 1');
      const told = await page.locator('.tooltip').boundingBox();
      expect(told!.x).toBeGreaterThan(0);
      expect(told!.x + told!.width).toBeLessThanOrEqual(1440);
    }
  });
});

describe('a form', () => {
  it('begins anew when the address goes back or forward', async () => {
    const { page } = studio;
    await studio.goTo('#/new');
    await page.getByLabel('Learning rate').fill('1e-5..1e-3');
    await page.getByLabel('Several values').selectOption('random');
    await page.getByRole('button', { name: 'Start 10 runs' }).waitFor();
    await page.getByLabel('Name', { exact: true }).fill('drawn');
    await studio.goTo(`#/new?clone=${ids[2]}`);
    await page.getByText('cloned from slow').waitFor();
    await expect.poll(() => page.getByLabel('Learning rate').inputValue()).toBe('1e-5');
    await page.getByLabel('Learning rate').fill('1e-5, 1e-4');
    await expect.poll(() => page.getByLabel('Several values').inputValue()).toBe('grid');
    await page.getByRole('button', { name: 'Start 2 runs' }).waitFor();
    await page.goBack();
    await page.getByText('cloned from slow').waitFor({ state: 'detached' });
    await expect.poll(() => page.getByLabel('Learning rate').inputValue()).toBe('1e-4');
    await expect.poll(() => page.getByLabel('Name', { exact: true }).inputValue()).toBe('');
  });
});

it('says by its own name what is wrong with a field', async () => {
  const { page } = studio;
  await studio.goTo('#/new');
  await page.getByLabel('Learning rate').fill('fast');
  await page.getByText('Learning rate cannot be "fast"; it takes above 0, up to 10.').first().waitFor();
  await page.getByRole('button', { name: 'Start', exact: true, disabled: true }).waitFor();
});

it('says what to do here about a run that is not there', async () => {
  const { page } = studio;
  await studio.goTo('#/runs/zzz');
  const told = page.getByRole('alert');
  await told.getByText('There is no run "zzz".').waitFor();
  expect(await told.innerText()).not.toContain('npx');
  await told.getByRole('link', { name: 'All runs' }).click();
  await page.getByRole('grid', { name: 'Runs' }).waitFor();
});

describe('the playground', () => {
  it('begins with a pair of the test split, and says which words a model has never seen', async () => {
    const { page } = studio;
    const { rows } = await studio.call('datasets/rows', {
      ...{ name: 'sample', split: 'test', text: '', label: null, from: 0, count: 1 },
    });
    await studio.goTo(`#/playground?models=${ids[0]}`);
    await page.getByText(/^(under 1|\d+) ms$/).waitFor();
    expect(await page.getByLabel('Premise').inputValue()).toBe(rows[0]?.premise.raw);
    expect(await page.getByText('It has never seen').count()).toBe(0);
    await page.getByLabel('Hypothesis').fill('A quokka is eating.');
    await page.getByText('It has never seen “quokka”').waitFor();
  });
});

it('says what to do about a data set that is not there', async () => {
  const { page } = studio;
  await studio.goTo('#/datasets/nowhere');
  await page.getByText('There is no data set called nowhere.').waitFor();
  await page.getByRole('link', { name: 'All data sets' }).click();
  await page.getByRole('link', { name: 'sample' }).waitFor();
});

describe('a menu', () => {
  it('leaves the page to the mouse when it is closed, by whatever way', async () => {
    const { page } = studio;
    await studio.goTo('#/runs');
    await page.getByRole('button', { name: 'Views' }).click();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Group by: none' }).click();
    await page.keyboard.press('Escape');
    await studio.goTo(`#/runs/${ids[0]}`);
    const more = page.getByRole('button', { name: 'More', exact: true });
    await more.click();
    await page.getByRole('menuitem', { name: 'Rename…' }).click();
    await page.getByRole('dialog', { name: 'Rename the run' }).waitFor();
    await page.keyboard.press('Escape');
    await more.click();
    await page.getByRole('menuitem', { name: /^Clone/ }).click();
    await page.getByRole('button', { name: 'Presets' }).click();
    await page.getByRole('menuitem', { name: 'Quick try' }).click();
    await page.getByRole('link', { name: /^Queue/ }).click();
    await page.getByRole('heading', { name: 'Queue' }).waitFor();
  });
});

describe('a window made small', () => {
  /** What of the page lies beyond the right edge, and cannot be scrolled to. */
  const CUT = `[...document.querySelectorAll('main *')].filter((element) => {
    const { width, right } = element.getBoundingClientRect();
    if (width === 0 || right <= innerWidth + 1 || element.closest('.visually-hidden') !== null) return false;
    for (let above = element.parentElement; above !== null; above = above.parentElement)
      if (/auto|scroll/.test(getComputedStyle(above).overflowX)) return false;
    return true;
  }).map(({ outerHTML }) => outerHTML.slice(0, 120))`;

  it.each([1024, 390])('shows every title and every action at %d pixels', async (width) => {
    const { page } = studio;
    await page.setViewportSize({ width, height: 700 });
    const found: Record<string, unknown> = {};
    const hashes = [
      ...['runs', `runs/${ids[0]}`, 'new', `compare?runs=${ids.join()}`, `errors/${ids[0]}`],
      ...[`playground?models=${ids[0]}`, 'datasets', 'datasets/sample', 'datasets?import=yes', 'models'],
      ...['queue', 'exports', `exports?run=${ids[0]}`, 'engines', 'settings', 'start'],
    ];
    for (const hash of hashes) {
      await studio.goTo(`#/${hash}`);
      await page.locator('h1').waitFor();
      await studio.until(
        () => page.locator('[aria-busy="true"]').count(),
        (busy) => busy === 0,
      );
      const cut = (await page.evaluate(CUT)) as string[];
      if (cut.length > 0) found[hash] = cut.slice(0, 4);
      const current = page.locator('nav [aria-current]');
      if ((await current.count()) > 0) await current.click({ trial: true });
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    expect(found).toEqual({});
  });
});

it('has written nothing to the console', () => {
  expect(studio.complaints).toEqual([]);
});
