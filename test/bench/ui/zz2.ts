import { existsSync } from 'node:fs';
import { StudioPage } from './studioPage.ts';
import { fillCurves, makeStore } from './makeStore.ts';
const folder = '/tmp/h/storeMany';
const FOUR = ['step/loss', 'step/accuracy', 'step/learningRate', 'step/gradientNorm'] as const;
if (!existsSync(folder)) makeStore(folder, (store) => { fillCurves(store, { runs: 100, points: 10_000, metrics: FOUR }); });
const studio = await StudioPage.open(folder, 1500);
const { page } = studio;
await studio.call('views/save', { page: 'runs', name: '', state: { charts: [...FOUR], chart: { shown: 'all' }, foldReplicates: false } });
const ids = (await studio.call('runs/table', {})).ids;
for (let i = 0; i < 4; i++) { const t = performance.now(); await studio.call('series/lines', { metric: 'step/loss', runs: [...ids], axis: 'step', range: null, buckets: 64 }); console.log('series', (performance.now() - t).toFixed(1)); }
for (let i = 0; i < 5; i++) {
  await page.evaluate(() => location.assign('#/engines'));
  await page.getByRole('heading', { name: 'Engines' }).waitFor();
  await page.waitForTimeout(300);
  const r = await page.evaluate(async () => {
    performance.clearResourceTimings();
    const t0 = performance.now();
    const { strokes } = window.probe;
    const t = await window.probe.time(() => location.assign('#/runs'), () => window.probe.strokes - strokes >= 400 && window.probe.pending === 0 && window.probe.lastStrokeAtMs > window.probe.lastAnswerAtMs);
    return [t, performance.getEntriesByType('resource').map((e: any) => `${e.name.split('/').slice(-2).join('/')} ${(e.startTime - t0).toFixed(0)} ${(e.requestStart - t0).toFixed(0)} ${(e.responseStart - t0).toFixed(0)}-${(e.responseEnd - t0).toFixed(0)} ${e.transferSize}`)];
  });
  console.log(r);
}
await studio.close();
