/** @file Benchmarks. A run that reports ten metrics a hundred times a second, drawn over twenty others. */
import { METRICS } from '../../../shared/runs.ts';
import { figureOf, type UiFigure } from './figures.ts';
import { fillCurves, makeStore } from './makeStore.ts';
import { StudioPage } from './studioPage.ts';
import { traceMainThread } from './trace.ts';

const TEN = METRICS.slice(0, 10);
const OTHERS = 20;
const SECONDS = 30;

export async function measureLive(folder: string): Promise<UiFigure[]> {
  makeStore(folder, (store) => {
    fillCurves(store, { runs: OTHERS, points: 10_000, metrics: TEN });
  });
  const figures: UiFigure[] = [];
  for (const heightPx of [900, 3200]) {
    const studio = await StudioPage.open(folder, heightPx);
    const { page } = studio;
    await studio.call('views/save', {
      page: 'runs',
      name: '',
      state: { charts: [...TEN], chart: { shown: 'all' }, foldReplicates: false },
    });
    await studio.goTo('#/runs');
    await page
      .locator('canvas')
      .nth(TEN.length - 1)
      .waitFor({ state: 'attached' });
    await studio.goLive({ kind: 'live', metrics: TEN, pointsPerSecond: 100, history: 0 });
    await page.waitForTimeout(5000);
    const before = await studio.hostCpuSeconds();
    const asked = await page.evaluate(() => window.probe.asked);
    const strokes = await page.evaluate(() => window.probe.strokes);
    const traced = await traceMainThread(page, () => page.waitForTimeout(SECONDS * 1000));
    const taskMs = traced.tasks.reduce((sum, one) => sum + one, 0);
    const share = (seconds: number) => (100 * seconds) / SECONDS;
    const pageShare = share(traced.computed / 1000);
    const hostShare = share((await studio.hostCpuSeconds()) - before);
    const askedMore = (await page.evaluate(() => window.probe.asked)) - asked;
    if ((await page.evaluate(() => window.probe.strokes)) === strokes) throw new Error('Nothing was drawn.');
    const where = heightPx === 900 ? 'a window of 900 px' : 'all ten charts in sight';
    figures.push(
      figureOf(`live, ${where}: script, style and layout of the page`, [pageShare], {
        ...{ bar: 10, unit: '%' },
        note: `${share(taskMs / 1000).toFixed(0)} % with drawing by software`,
      }),
      figureOf(`live, ${where}: the host, storing included`, [hostShare], { bar: 10, unit: '%' }),
      figureOf(`live, ${where}: curves asked for again`, [askedMore], { bar: 0, unit: 'requests' }),
    );
    await studio.close();
  }
  return figures;
}
