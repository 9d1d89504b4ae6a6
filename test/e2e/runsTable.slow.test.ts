/** @file Tests. What a person does in the table of runs, in a real Chromium, on runs that have ended. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { unpackTable } from '../../renderer/state/unpackedTable.ts';
import { fillTable, makeStore } from '../bench/ui/makeStore.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

let studio: StudioInBrowser;

beforeAll(async () => {
  const folder = temporaryFolder();
  makeStore(folder, (store) => fillTable(store, 4));
  studio = await StudioInBrowser.open(folder);
  await studio.call('views/save', {
    page: 'runs',
    name: '',
    state: { foldReplicates: false, showArchived: true },
  });
});

afterAll(async () => {
  await studio?.close();
});

const table = async () => unpackTable(await studio.call('runs/table', {}));

it('takes back what was done to many runs, and leaves those alone that were so before', async () => {
  const { page } = studio;
  const [first = '', second = '', third = ''] = (await table()).ids;
  await studio.call('runs/annotate', { ids: [second], addTags: ['kept'], archived: true });
  await studio.call('runs/annotate', { ids: [third], addTags: ['another'] });
  await studio.goTo('#/runs');
  const grid = page.getByRole('grid', { name: 'Runs' });
  for (const name of ['run 3', 'run 2', 'run 1'])
    await grid.getByRole('row', { name }).getByRole('checkbox').check();
  const bar = page.getByRole('toolbar', { name: 'Selected runs' });
  const marks = async () => {
    const { ids, tags, archived } = await table();
    return [first, second, third].map((id) => {
      const row = ids.indexOf(id);
      return { tags: [...(tags[row] ?? [])].sort(), archived: archived[row] };
    });
  };
  const before = await marks();

  await bar.getByRole('button', { name: 'Tag…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Tag 3 runs' });
  await dialog.getByLabel('Tag').fill('kept');
  await dialog.getByRole('button', { name: 'Tag', exact: true }).click();
  await studio.until(marks, (found) => found.every(({ tags }) => tags.includes('kept')));
  await page.getByRole('button', { name: 'Undo' }).click();
  await studio.until(marks, (found) => !found[0]?.tags.includes('kept'));
  expect(await marks()).toEqual(before);

  await bar.getByRole('button', { name: 'Archive', exact: true }).click();
  await studio.until(marks, (found) => found.every(({ archived }) => archived === true));
  await page.getByRole('button', { name: 'Undo' }).click();
  await studio.until(marks, (found) => found[0]?.archived === false);
  expect(await marks()).toEqual(before);
  await bar.getByRole('button', { name: 'Select nothing' }).click();
});

it('finds a column by its name, with the keyboard alone', async () => {
  const { page } = studio;
  await studio.goTo('#/runs');
  await page.getByRole('button', { name: 'Settings: what differs' }).focus();
  await page.keyboard.press('Enter');
  const picker = page.getByRole('dialog', { name: 'Settings' });
  const search = picker.getByRole('searchbox', { name: 'Search settings' });
  await search.waitFor();
  await expect.poll(() => picker.getByRole('checkbox').count()).toBeGreaterThan(20);
  await search.pressSequentially('WEIGHT d');
  await expect.poll(() => picker.getByRole('checkbox').count()).toBe(1);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await page.getByRole('columnheader', { name: 'Weight decay' }).waitFor();
  expect(await studio.seriousViolations()).toEqual([]);
  await search.fill('nothing is called so');
  await picker.getByText('None is called so.').waitFor();
  await picker.getByRole('button', { name: 'Choose none' }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Settings: what differs' }).waitFor();
});

it('keeps the names in sight while it is scrolled sideways, and nothing shines through them', async () => {
  const { page } = studio;
  await page.setViewportSize({ width: 1000, height: 700 });
  await studio.goTo('#/runs');
  const grid = page.getByRole('grid', { name: 'Runs' });
  const row = grid.getByRole('row', { name: 'run 3' });
  await row.getByRole('checkbox').check();
  for (const theme of ['light', 'dark'] as const) {
    await studio.setTheme(theme);
    await grid.evaluate((element) => {
      element.scrollLeft = 400;
    });
    await grid.locator('xpath=self::*[contains(@class, "aside")]').waitFor();
    const { x, y } = (await grid.boundingBox())!;
    // The second line under the pointer, the first selected, the third neither.
    await page.mouse.move(x + 150, y + 80);
    const seen = await grid.evaluate((element) => {
      const { left } = element.getBoundingClientRect();
      return [...element.querySelectorAll('[role="row"]')].map((line) => {
        const [eye, name] = [...line.children];
        const { x, y, height } = name!.getBoundingClientRect();
        const at = (px: number) => document.elementFromPoint(left + px, y + height / 2);
        return {
          scrolled: element.scrollLeft,
          places: [Math.round(eye!.getBoundingClientRect().x - left), Math.round(x - left)],
          uppermost: eye!.contains(at(10)) && name!.contains(at(60)) && name!.contains(at(240)),
          colours: [eye!, name!].map((cell) => getComputedStyle(cell).backgroundColor),
          own: getComputedStyle(line).backgroundColor,
        };
      });
    });
    expect(seen).toHaveLength(5);
    for (const { scrolled, places, uppermost, colours, own } of seen) {
      expect(scrolled).toBe(400);
      expect(places).toEqual([0, 28]);
      expect(uppermost).toBe(true);
      // Opaque, and what the rest of the line is.
      expect(own).toMatch(/^rgb\(/);
      expect(colours).toEqual([own, own]);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByRole('button', { name: 'Select nothing' }).click();
});

it('keeps what is typed and pinned before the look of last time is here, and what it had then', async () => {
  const { page } = studio;
  const [, second = ''] = (await table()).ids;
  await studio.call('views/save', { page: 'workspace', name: '', state: { pins: [second] } });
  await studio.goTo('#/settings');
  const typed = Promise.withResolvers<void>();
  await page.route('**/rpc/views/list', async (route) => {
    await typed.promise;
    await route.continue();
  });
  await page.reload();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
  await studio.goTo('#/runs');
  const grid = page.getByRole('grid', { name: 'Runs' });
  await page.getByRole('textbox', { name: 'Filter' }).fill('name contains "run 1"');
  await page.getByText(/^1 of \d runs/).waitFor();
  await grid.focus();
  await page.keyboard.press('p');
  const look = page.waitForResponse('**/rpc/views/list');
  typed.resolve();
  await look;
  await page.unroute('**/rpc/views/list');
  const pinned = async () => {
    const views = await studio.call('views/list', { page: 'workspace' });
    return (views.find(({ name }) => name === '')?.state as { pins?: string[] } | undefined)?.pins;
  };
  // Saved when both are known: what is pinned now beside what was.
  await expect.poll(pinned).toEqual([second, expect.any(String)]);
  const kept = async () => {
    const views = await studio.call('views/list', { page: 'runs' });
    return (views.find(({ name }) => name === '')?.state as { filter?: string } | undefined)?.filter;
  };
  await expect.poll(kept).toBe('name contains "run 1"');
  expect(await page.getByRole('textbox', { name: 'Filter' }).inputValue()).toBe('name contains "run 1"');
  await page.getByText('Archived too').waitFor();
  expect(await page.getByLabel('Archived too').isChecked()).toBe(true);
});

it('has written nothing to the console', () => {
  expect(studio.complaints).toEqual([]);
});
