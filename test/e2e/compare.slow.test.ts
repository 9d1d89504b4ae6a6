/** @file Tests. Comparing runs as a person does: choosing, differences, baseline, chance, groups, views, one file. */
import type { Download } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unpackTable } from '../../renderer/state/unpackedTable.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import { QUICK } from '../../shared/presets.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';

const HOSTILE = '<script>alert("x")</script> \u202e"';
/** Learns little, but does everything. */
const SMALL = hyperparametersSchema.parse({
  ...QUICK,
  layers: 1,
  hidden: 16,
  heads: 2,
  feedForward: 16,
  epochs: 1,
  evaluateEvery: 40,
});

let studio: StudioInBrowser;
/** Oldest first. */
let ids: readonly string[];

async function train(): Promise<readonly string[]> {
  const { job } = await studio.call('datasets/importSample', {});
  await studio.until(
    () => studio.call('jobs/list', {}),
    (jobs) => jobs.find(({ id }) => id === job)?.state === 'done',
  );
  const request = (name: string, lr: number, seed: number) => ({
    dataset: 'sample',
    name,
    hyperparameters: { ...SMALL, lr, seed },
    engine: 'wasm' as const,
  });
  const added = await studio.call('queue/add', {
    requests: [request('high', 3e-3, 0), request('high again', 3e-3, 1), request(HOSTILE, 1e-5, 0)],
    place: 'back',
  });
  await studio.until(
    async () => unpackTable(await studio.call('runs/table', {})),
    ({ states }) => states.length === 3 && states.every((state) => state === 'completed'),
  );
  return added.ids;
}

async function textOf(file: Download): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await file.createReadStream())!) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

beforeAll(async () => {
  studio = await StudioInBrowser.open();
  ids = await train();
});

afterAll(async () => {
  await studio?.close();
});

describe('comparing runs', () => {
  it('begins with choosing them, by a typed filter', async () => {
    const { page } = studio;
    await studio.goTo('#/compare');
    await page.getByRole('heading', { name: 'Choose runs to compare' }).waitFor();
    await page.getByRole('main').getByRole('button', { name: 'Choose runs' }).last().click();
    const filter = page.getByRole('searchbox', { name: 'Filter runs' });
    await filter.fill('learning rate > nonsense');
    await page.getByText('is compared with a number here').waitFor();
    await filter.fill('lr = 3e-3');
    await page.getByRole('button', { name: 'Add all that match' }).click();
    await filter.fill('');
    await page.getByRole('checkbox', { name: /alert/ }).check();
    await page.keyboard.press('Escape');
    await page.getByRole('region', { name: 'Dev accuracy' }).waitFor();
    await expect
      .poll(() => decodeURIComponent(page.url()).split('runs=')[1]?.split(','))
      .toEqual([ids[1], ids[0], ids[2]]);
  });

  it('shows what differs, or everything, with differences to the baseline', async () => {
    const { page } = studio;
    const table = page.getByRole('region', { name: 'Results and settings of the runs' });
    await table.getByRole('rowheader', { name: 'Learning rate', exact: true }).waitFor();
    expect(await table.getByRole('rowheader', { name: 'Epochs' }).count()).toBe(0);
    await page.getByRole('checkbox', { name: 'differences only' }).uncheck();
    await table.getByRole('rowheader', { name: 'Epochs', exact: true }).waitFor();
    await page.getByRole('checkbox', { name: 'differences only' }).check();
    await table.getByRole('button', { name: 'Make high the baseline' }).click();
    await table.getByRole('button', { name: 'high is the baseline' }).waitFor();
    const cells = table.getByRole('row', { name: /^Learning rate/ }).getByRole('cell');
    await expect
      .poll(async () => (await cells.allTextContents()).map((text) => text.trim()))
      .toEqual(['0.003 ±0', '0.003', '1e-5 −0.003']);
    await expect.poll(() => page.url()).toContain(`baseline=${ids[0]}`);
  });

  it('says whether the difference is more than chance', async () => {
    const section = studio.page.getByRole('region', { name: 'Is it more than chance?' });
    const row = section.getByRole('row').nth(2);
    await row.waitFor();
    const [expected] = await studio.call('compare/significance', {
      baseline: ids[0]!,
      runs: [ids[2]!],
      split: 'test',
    });
    if (expected?.comparable !== true) throw new Error('these runs were evaluated on the same pairs');
    await expect.poll(() => row.textContent()).toContain(expected.pairs.toLocaleString('en'));
    await section.getByRole('combobox', { name: 'Split' }).selectOption('train');
    await section.getByRole('status').waitFor();
    await section.getByRole('combobox', { name: 'Split' }).selectOption('test');
  });

  it('draws means of groups, and keeps the view under a name', async () => {
    const { page } = studio;
    await page.getByRole('button', { name: /^Group by/ }).click();
    await page.getByRole('menuitemcheckbox', { name: 'Learning rate' }).click();
    await page.keyboard.press('Escape');
    await page.getByText('Learning rate 0.003 2').waitFor();
    await page.getByRole('button', { name: /^Views/ }).click();
    await page.getByRole('menuitem', { name: 'Save this view…' }).click();
    await page.getByRole('textbox', { name: 'Name of the view' }).fill('by rate');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('button', { name: 'Views (1)' }).waitFor();
    await page.getByRole('button', { name: /^Group by/ }).click();
    await page.getByRole('menuitem', { name: 'Choose none' }).click();
    await page.getByRole('button', { name: 'Group by: none' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Views (1)' }).click();
    await page.getByRole('menuitem', { name: 'by rate' }).click();
    await page.getByRole('menuitem', { name: 'Open' }).click();
    await page.getByRole('button', { name: 'Group by: Learning rate' }).waitFor();
  });

  it('leaves as one offline file, whatever runs are called', async () => {
    const { page } = studio;
    await page.getByRole('region', { name: 'Dev accuracy' }).waitFor();
    await page.getByRole('region', { name: 'Is it more than chance?' }).getByRole('row').nth(2).waitFor();
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as one file' }).click(),
    ]);
    const html = await textOf(file);
    expect(file.suggestedFilename()).toBe('comparison-of-3-runs.html');
    expect(html.match(/<svg /g)!.length).toBeGreaterThan(2);
    expect(html).toContain('&lt;script&gt;alert(');
    expect(html).not.toContain('<script');
    expect(html).toContain('95 % interval');
  });

  it('has nothing serious for axe-core, in both themes', async () => {
    for (const theme of ['light', 'dark'] as const) {
      await studio.setTheme(theme);
      expect(await studio.seriousViolations()).toEqual([]);
    }
  });

  it('says so when a run of the address is gone', async () => {
    const { page } = studio;
    await studio.goTo(`#/compare?runs=${ids[0]},gone`);
    await page.getByText('1 run · 1 is no longer there').waitFor();
    await page.getByRole('region', { name: 'Dev accuracy' }).waitFor();
  });

  it('broke no rule of the page’s policy', () => {
    expect(studio.complaints).toEqual([]);
  });
});
