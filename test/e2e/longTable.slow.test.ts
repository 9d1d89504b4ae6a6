/** @file Tests. A table of more runs than a page can hold, in a real Chromium: what is in sight is right however one moves. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { fillTable, makeStore } from '../bench/ui/makeStore.ts';
import { StudioInBrowser } from '../support/studioInBrowser.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const RUNS = 800;
const ROW_PX = 32;
/** Lines beyond the edges come a moment after those in sight, and later still on a busy machine. */
const EVENTUALLY = { timeout: 60_000, interval: 60 };

it('shows every run where it belongs, with lines beyond the edges, through wheels, jumps and keys', async () => {
  const folder = temporaryFolder();
  makeStore(folder, (store) => fillTable(store, RUNS));
  const studio = await StudioInBrowser.open(folder);
  onTestFinished(() => studio.close());
  const { page } = studio;
  await studio.call('views/save', { page: 'runs', name: '', state: { foldReplicates: false } });
  await studio.goTo('#/runs');
  const grid = page.getByRole('grid', { name: 'Runs' });
  await grid.getByText(`run ${RUNS - 1}`, { exact: true }).waitFor();
  const linesAt = () =>
    grid.evaluate((element, rowPx) => {
      const placed = [...element.querySelectorAll<HTMLElement>('[role="row"][aria-rowindex]')].map((row) => ({
        place: Number(row.ariaRowIndex) - 2,
        yPx: Number(/translateY\((\d+)px\)/.exec(row.style.transform)?.[1]),
        name: row.querySelector('.text')?.textContent,
      }));
      const firstPlace = Math.floor(element.scrollTop / rowPx);
      const lastPlace = Math.ceil((element.scrollTop + element.clientHeight) / rowPx) - 1;
      return { placed, firstPlace, lastPlace: Math.min(lastPlace, Number(element.ariaRowCount) - 2) };
    }, ROW_PX);
  const check = async (beyondPx: number) => {
    const { placed, firstPlace, lastPlace } = await linesAt();
    const byPlace = new Map(placed.map((line) => [line.place, line]));
    // Newest first: each line tells the run of its own place, at its own height, and none is there twice.
    expect(byPlace.size).toBe(placed.length);
    for (const { place, yPx, name } of placed)
      expect({ place, yPx, name }).toEqual({ place, yPx: place * ROW_PX, name: `run ${RUNS - 1 - place}` });
    for (let place = firstPlace; place <= lastPlace; place++) expect(byPlace.has(place)).toBe(true);
    const edges = Math.floor(beyondPx / ROW_PX);
    for (const place of [firstPlace - edges, lastPlace + edges])
      if (place >= 0 && place < RUNS) expect(byPlace.has(place)).toBe(true);
  };
  await vi.waitFor(() => check(ROW_PX), EVENTUALLY);

  const jump = (toPx: number) =>
    grid.evaluate(async (element, to) => {
      element.scrollTop = to;
      await new Promise((done) => element.addEventListener('scroll', done, { once: true }));
    }, toPx);
  for (const toPx of [130, 4000, 4300, 20_000, 19_500, 640, RUNS * ROW_PX, 0]) {
    await jump(toPx);
    await check(0);
    await vi.waitFor(() => check(4 * ROW_PX), EVENTUALLY);
  }

  await grid.focus();
  for (let pages = 0; pages < 6; pages++) await page.keyboard.press('PageDown');
  await vi.waitFor(async () => {
    // A page is fifteen lines.
    expect((await linesAt()).lastPlace).toBeGreaterThanOrEqual(6 * 15);
    await check(ROW_PX);
  }, EVENTUALLY);
  expect(studio.complaints).toEqual([]);
});
