/** @file Benchmarks. Coming back to a run that trains, after hours of it: until every chart of its page has the whole history. */
import type { MetricName } from '../../../shared/runs.ts';
import { figureOf, repeated, type UiFigure } from './figures.ts';
import { makeStore } from './makeStore.ts';
import { StudioPage } from './studioPage.ts';

/** The shorter one is the harder one: its curves are made of their points where a chart is wide. */
const HISTORIES = [20_000, 18_000];
/** A quick step takes some 40 ms. */
const POINTS_A_SECOND = 25;
/** Each has a chart. */
const OWN: readonly MetricName[] = [
  ...(['step/loss', 'step/accuracy', 'step/learningRate', 'step/gradientNorm'] as const),
  ...(['dev/loss', 'dev/accuracy', 'epoch/pairsPerSecond'] as const),
];
/** These are in the book's plot, with the accuracy on dev. */
const BOOK: readonly MetricName[] = ['running/loss', 'running/accuracy', 'test/accuracy'];
const METRICS = [...OWN, ...BOOK];

const CHARTS = OWN.length + 1;
const CURVES = METRICS.length + 1;

export async function measureReturn(folder: string): Promise<UiFigure[]> {
  makeStore(folder, () => {});
  // High enough for all charts: what is out of sight is not drawn.
  const studio = await StudioPage.open(folder, 2000);
  const figures: UiFigure[] = [];
  for (const history of HISTORIES) {
    const whole = await measureHistory(studio, history);
    const what = `a run that trains, ${METRICS.length} metrics × ${history.toLocaleString('en')} points: its page loaded anew, until every chart is whole`;
    figures.push(figureOf(what, whole, { bar: 500 }));
  }
  await studio.close();
  return figures;
}

async function measureHistory(studio: StudioPage, history: number): Promise<number[]> {
  const { page } = studio;
  const pace = { metrics: METRICS, pointsPerSecond: POINTS_A_SECOND };
  const run = await studio.goLive({ kind: 'live', ...pace, history });
  await studio.goTo(`#/runs/${run}`);
  const whole = await repeated(async () => {
    await page.waitForTimeout(1500);
    await studio.reload();
    return page.evaluate(
      ({ charts, curves }) =>
        window.probe.sinceStart(
          () =>
            window.probe.charts === charts &&
            window.probe.strokes >= curves &&
            window.probe.pending === 0 &&
            window.probe.lastStrokeAtMs > window.probe.lastAnswerAtMs,
        ),
      { charts: CHARTS, curves: CURVES },
    );
  });
  const asked = await page.evaluate(() => window.probe.asked);
  if (asked !== CURVES) throw new Error(`${asked} curves were asked for, not ${CURVES}.`);
  return whole;
}
