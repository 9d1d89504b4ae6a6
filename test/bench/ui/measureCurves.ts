/** @file Benchmarks. One curve of a million points, and a hundred curves on four charts. */
import type { MetricName } from '../../../shared/runs.ts';
import { figureOf, repeated, type UiFigure } from './figures.ts';
import { fillCurves, makeStore } from './makeStore.ts';
import { StudioPage } from './studioPage.ts';

const LONG = 1_000_000;
const MANY = { runs: 100, points: 10_000 };
const FOUR: readonly MetricName[] = ['step/loss', 'step/accuracy', 'step/learningRate', 'step/gradientNorm'];
/** Times that a person zooms in on one place. */
const ZOOMS = 5;

export async function measureLongCurve(folder: string): Promise<UiFigure[]> {
  let run = '';
  makeStore(folder, (store) => {
    [run = ''] = fillCurves(store, { runs: 1, points: LONG, metrics: ['step/loss'] });
  });
  const studio = await StudioPage.open(folder);
  const { page } = studio;
  const paint = await repeated(async () => {
    await page.evaluate(() => location.assign('#/settings'));
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    return page.evaluate((id) => {
      const { strokes } = window.probe;
      return window.probe.time(
        () => location.assign(`#/runs/${id}`),
        () => window.probe.strokes > strokes,
      );
    }, run);
  });
  const chart = page.getByRole('region', { name: 'Step loss' }).getByRole('application');
  await chart.focus();
  const zoom = await repeated(async (round) => {
    if (round % ZOOMS === 0) {
      // Back to the whole curve, and to another part of it: what was seen before would not be asked for again.
      await chart.press('0');
      const { x, y, width, height } = (await chart.boundingBox())!;
      await page.mouse.move(x + width * (0.3 + 0.12 * (round / ZOOMS)), y + height / 2);
    }
    return chart.evaluate((element) => {
      const { asked } = window.probe;
      return window.probe.time(
        () => element.dispatchEvent(new KeyboardEvent('keydown', { key: '+', bubbles: true })),
        () =>
          window.probe.asked > asked &&
          window.probe.pending === 0 &&
          window.probe.lastStrokeAtMs > window.probe.lastAnswerAtMs,
      );
    });
  });
  await studio.close();
  return [
    figureOf(`a curve of ${LONG.toLocaleString('en')} points, first paint`, paint, { bar: 150 }),
    figureOf('zoom into it, until every detail is drawn', zoom, { bar: 80 }),
  ];
}

export async function measureManyCurves(folder: string): Promise<UiFigure[]> {
  makeStore(folder, (store) => {
    fillCurves(store, { ...MANY, metrics: FOUR });
  });
  // High enough for four charts: what is out of sight is not drawn.
  const studio = await StudioPage.open(folder, 1500);
  const { page } = studio;
  await studio.call('views/save', {
    page: 'runs',
    name: '',
    state: { charts: [...FOUR], chart: { shown: 'all' }, foldReplicates: false },
  });
  const strokes = MANY.runs * FOUR.length;
  const paint = await repeated(async () => {
    await page.evaluate(() => location.assign('#/settings'));
    await page.getByRole('heading', { name: 'Settings' }).waitFor();
    return page.evaluate((least) => {
      const before = window.probe.strokes;
      return window.probe.time(
        () => location.assign('#/runs'),
        () =>
          window.probe.strokes - before >= least &&
          window.probe.pending === 0 &&
          window.probe.lastStrokeAtMs > window.probe.lastAnswerAtMs,
      );
    }, strokes);
  });
  await studio.close();
  return [
    figureOf(`${MANY.runs} runs × ${MANY.points.toLocaleString('en')} points on four charts`, paint, {
      bar: 500,
    }),
  ];
}
