/** @file Benchmarks. The table of ten thousand runs: until it is there, sorted, filtered, grouped, scrolled. */
import { figureOf, repeated, type UiFigure } from './figures.ts';
import { fillTable, makeStore } from './makeStore.ts';
import { StudioPage } from './studioPage.ts';
import { traceMainThread } from './trace.ts';

const RUNS = 10_000;
const WHEELS = 60;

export async function measureTable(folder: string): Promise<UiFigure[]> {
  makeStore(folder, (store) => fillTable(store, RUNS));
  const studio = await StudioPage.open(folder);
  const { page } = studio;
  await studio.goTo('#/runs');
  await page.locator('[role="grid"] [role="row"]').nth(10).waitFor();
  const settled = () =>
    page.evaluate(() =>
      window.probe.time(
        () => {},
        () => window.probe.pending === 0,
      ),
    );
  const interactive = await repeated(async () => {
    await settled();
    await page.waitForTimeout(300);
    await studio.reload();
    return page.evaluate(() =>
      window.probe.sinceStart(() => document.querySelectorAll('[role="grid"] [role="row"]').length > 10),
    );
  });
  const comeBack = await repeated(async () => {
    await studio.goTo('#/settings');
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    return page.evaluate(() =>
      window.probe.time(
        () => location.assign('#/runs'),
        () => document.querySelectorAll('[role="grid"] [role="row"]').length > 10,
      ),
    );
  });
  await page.locator('[role="grid"] [role="row"]').nth(10).waitFor();
  const sort = await repeated(async (round) => {
    await settled();
    return page.evaluate((at) => {
      const headers = [...document.querySelectorAll<HTMLElement>('[role="columnheader"]:has(button)')];
      const header = headers[at % headers.length]!;
      const before = header.ariaSort;
      return window.probe.time(
        () => header.querySelector('button')!.click(),
        () => header.ariaSort !== before,
      );
    }, round);
  });
  const filter = await repeated(async (round) => {
    await settled();
    return page.evaluate((at) => {
      const input = document.querySelector<HTMLInputElement>('input[data-filter]')!;
      const grid = document.querySelector('[role="grid"]')!;
      const before = grid.ariaRowCount;
      return window.probe.time(
        () => {
          input.value = `accuracy > ${70 + at / 2} and lr < 1e-4`;
          input.dispatchEvent(new InputEvent('input', { bubbles: true }));
        },
        () => grid.ariaRowCount !== before,
      );
    }, round);
  });
  await page.getByRole('textbox', { name: 'Filter' }).fill('');
  await page.getByRole('button', { name: /^Group by/ }).click();
  const group = await repeated(async (round) => {
    await settled();
    return page.evaluate((at) => {
      const items = [...document.querySelectorAll<HTMLElement>('[role="menuitemcheckbox"]')];
      const item = items[at >> 1]!;
      const before = item.ariaChecked;
      return window.probe.time(
        () => item.dispatchEvent(new PointerEvent('pointerup', { bubbles: true })),
        () => item.ariaChecked !== before,
      );
    }, round);
  });
  await page.keyboard.press('Escape');
  await page.mouse.move(500, 400);
  const scrolled = async (px: number) => {
    const { tasks } = await traceMainThread(page, async () => {
      for (let at = 0; at < WHEELS; at++) await page.mouse.wheel(0, at < WHEELS / 2 ? px : -px);
    });
    return tasks[0]!;
  };
  const slow = await scrolled(300);
  const fast = await scrolled(900);
  await studio.close();
  return [
    figureOf(`table of ${RUNS.toLocaleString('en')} runs, page loaded anew`, interactive, { bar: 400 }),
    figureOf('the same, coming from another page', comeBack, { bar: 400 }),
    figureOf('sort', sort, { bar: 100 }),
    figureOf('filter', filter, { bar: 100 }),
    figureOf('group', group, { bar: 100 }),
    figureOf('longest task while scrolling by 300 px a frame', [slow], { bar: 32 }),
    figureOf('longest task while every line changes in each frame (900 px)', [fast], { bar: 32 }),
  ];
}
