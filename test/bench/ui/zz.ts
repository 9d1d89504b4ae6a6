import { existsSync } from 'node:fs';
import { StudioPage } from './studioPage.ts';
import { fillCurves, makeStore } from './makeStore.ts';
const folder = '/tmp/h/storeLong';
let run = '';
if (!existsSync(folder)) makeStore(folder, (store) => { [run = ''] = fillCurves(store, { runs: 1, points: 1_000_000, metrics: ['step/loss'] }); });
const studio = await StudioPage.open(folder);
const { page } = studio;
run = (await studio.call('runs/table', {})).ids[0]!;
for (let i = 0; i < 4; i++) {
  await page.evaluate(() => location.assign('#/engines'));
  await page.getByRole('heading', { name: 'Engines' }).waitFor();
  await page.waitForTimeout(300);
  const r = await page.evaluate(async (id) => {
    performance.clearResourceTimings();
    const t0 = performance.now();
    const { strokes } = window.probe;
    const t = await window.probe.time(() => location.assign(`#/runs/${id}`), () => window.probe.strokes > strokes);
    const h1 = 0;
    return [t, performance.getEntriesByType('resource').map((e: any) => `${e.name.split('/').slice(-2).join('/')} ${(e.startTime - t0).toFixed(0)} ${(e.requestStart - t0).toFixed(0)} ${(e.responseStart - t0).toFixed(0)}-${(e.responseEnd - t0).toFixed(0)} ${e.transferSize}`)];
  }, run);
  console.log(r);
}
await studio.close();
