/** @file Tests. Error analysis, significance, models and playground through the contract of a hosted studio. */
import { afterEach, expect, it } from 'vitest';
import { checkoutEntries } from '../../../main/entries.ts';
import { Databases } from '../../../main/studio/databases.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import type { HostedStudio } from '../../../main/studio/hosting.ts';
import { hostStudio } from '../../../main/studio.ts';
import { plainPlatform } from '../../support/hostedStudio.ts';
import { numberedPairs } from '../../support/pairsCsv.ts';
import { importPairs, predict, runOn } from '../../support/predictedRun.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const hosted: HostedStudio[] = [];
afterEach(async () => {
  await Promise.all(hosted.splice(0).map((studio) => studio.close()));
});

/** Two runs on six pairs, the second right everywhere, in a studio that is open. */
async function studioWithRuns(): Promise<{ studio: HostedStudio; run: string; better: string }> {
  const dataDirectory = temporaryFolder();
  const databases = new Databases(dataPlaces(dataDirectory), () => {});
  const dataset = await importPairs(databases, 'pairs', numberedPairs(6));
  const golds = [0, 1, 2, 0, 1, 2].map((label) =>
    dataset.labels.indexOf(['entailment', 'contradiction', 'neutral'][label]!),
  );
  const [run, better] = [runOn(databases, dataset), runOn(databases, dataset)];
  predict(databases, run, {
    classes: 3,
    predicted: golds.map((gold, at) => (at < 2 ? (gold + 1) % 3 : gold)),
  });
  predict(databases, better, { classes: 3, predicted: golds });
  databases.close();
  const studio = hostStudio({
    dataDirectory,
    entries: checkoutEntries(),
    version: '0.0.0',
    platform: plainPlatform,
  });
  hosted.push(studio);
  return { studio, run, better };
}

it('answers in plain data, which every transport carries as it is', async () => {
  const { studio, run, better } = await studioWithRuns();
  const ask = async (route: string, input: object) => {
    const result = await studio.dispatch(route, input);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    return result.ok ? result.value : result.error;
  };
  const place = { run, split: 'test', against: better };
  expect(await ask('errors/overview', place)).toMatchObject({
    pairs: 6,
    changes: { broken: 2, bothRight: 4 },
  });
  const rows = { ...place, filter: { change: 'broken' }, sort: 'index', from: 0, count: 1 };
  expect(await ask('errors/rows', rows)).toMatchObject({ total: 2, rows: [{ index: 0 }] });
  expect(await ask('errors/csv', { ...place, filter: {} })).toMatchObject({ rows: 2 });
  expect(await ask('compare/significance', { baseline: run, runs: [better], split: 'test' })).toMatchObject([
    { run: better, comparable: true, onlyRun: 2, onlyBaseline: 0, pValue: 0.5 },
  ]);
  expect(await ask('models/list', {})).toEqual([]);
  const pair = { premise: 'A dog.', hypothesis: 'A cat.' };
  expect(await ask('playground/answer', { run, ...pair })).toMatchObject({ code: 'NOT_FOUND' });
});

it.each([
  ['errors/overview', { run: 'r1', split: 'all' }],
  ['errors/rows', { run: 'r1', split: 'test', filter: {}, from: 0, count: 1001 }],
  ['errors/rows', { run: 'r1', split: 'test', filter: { overlapTo: 2 }, from: 0, count: 1 }],
  ['errors/csv', { run: 'r1', split: 'test', filter: { text: 'x'.repeat(501) } }],
  ['compare/significance', { baseline: 'r1', runs: Array(51).fill('r1'), split: 'test' }],
  ['playground/answer', { run: 'r1', premise: 'x'.repeat(20_001), hypothesis: null }],
  ['playground/attention', { run: 'r1', premise: 'a', hypothesis: 'b', layer: -1, head: 0 }],
])('%s refuses nonsense', async (route, input) => {
  const { studio } = await studioWithRuns();
  expect(await studio.dispatch(route, input)).toMatchObject({ ok: false, error: { code: 'BAD_INPUT' } });
});
