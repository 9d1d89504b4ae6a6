/** @file Tests. Rows of an imported data set, page by page, whole or searched. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCache } from '../../../main/data/cache.ts';
import { importDataset } from '../../../main/data/importDataset.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import type { Input, Output } from '../../../shared/contract/contract.ts';
import { callsTo, type HostedCalls } from '../../support/hostedCalls.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { type CsvPair, writePairsCsv } from '../../support/pairsCsv.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const LABELS = ['entailment', 'contradiction', 'neutral'];
/** More than one block of each split; every hundredth premise and another hundredth hypothesis have a word of their own. */
const PAIRS: readonly CsvPair[] = Array.from({ length: 3000 }, (_, at) => ({
  premise: at % 100 === 7 ? `Ein Känguru hüpft ${at}.` : `Person ${at} rides.`,
  hypothesis: at % 100 === 9 ? `KÄNGURU ${at}!` : `Somebody is at ${at}.`,
  label: LABELS[at % 3]!,
  split: at % 10 === 0 ? 'test' : at % 10 === 1 ? 'dev' : 'train',
}));
const TRAIN = PAIRS.filter(({ split }) => split === 'train');

const folder = temporaryFolder();
let calls: HostedCalls;
beforeAll(async () => {
  await importPairs(PAIRS);
  calls = callsTo(openHosted(folder));
});

/** Under the name "pairs", as a command line beside the studio would. */
async function importPairs(pairs: readonly CsvPair[]): Promise<void> {
  const path = join(folder, 'pairs.csv');
  writePairsCsv(path, pairs);
  const cache = openCache(dataPlaces(folder).cacheDatabase);
  await importDataset(cache, { path, name: 'pairs' });
  cache.close();
}

type Search = Partial<Omit<Input<'datasets/rows'>, 'name'>>;
const page = (search: Search): Promise<Output<'datasets/rows'>> =>
  calls.ask('datasets/rows', { name: 'pairs', split: 'train', from: 0, count: 1000, ...search });
const premises = ({ rows }: Output<'datasets/rows'>) => rows.map(({ premise }) => premise.raw);

describe('rows', () => {
  it('come in the order of the file, in pages without gap or overlap, with their places', async () => {
    const found: string[] = [];
    for (let from = 0; from < TRAIN.length; from += 613) {
      const { total, rows } = await page({ from, count: 613 });
      expect(total).toBe(TRAIN.length);
      expect(rows.map(({ index }) => index)).toEqual(rows.map((_, at) => from + at));
      found.push(...rows.map(({ premise, hypothesis }) => `${premise.raw} | ${hypothesis?.raw}`));
    }
    expect(found).toEqual(TRAIN.map(({ premise, hypothesis }) => `${premise} | ${hypothesis}`));
    expect(await page({ from: 10_000 })).toEqual({ total: TRAIN.length, rows: [] });
  });

  it('are found by a text in either sentence, whatever the case, in pages of what was found', async () => {
    const expected = TRAIN.filter(({ premise, hypothesis }) => /känguru/i.test(premise + hypothesis));
    const whole = await page({ text: 'kÄnGuRu' });
    expect(whole.total).toBe(expected.length);
    expect(premises(whole)).toEqual(expected.map(({ premise }) => premise));
    const parts = await Promise.all([0, 20, 40].map((from) => page({ text: 'känguru', from, count: 20 })));
    expect(parts.flatMap(premises)).toEqual(premises(whole));
    expect(parts.map(({ total }) => total)).toEqual([whole.total, whole.total, whole.total]);
    // Where a row stands in its split is not where it stands among what was found.
    expect(whole.rows.map(({ index }) => TRAIN[index]?.premise)).toEqual(premises(whole));
    expect(await page({ text: 'no such words' })).toEqual({ total: 0, rows: [] });
    expect((await page({ text: '%' })).total).toBe(0);
  });

  it('are found by label, and by both', async () => {
    const labels = (await calls.ask('datasets/show', { name: 'pairs' })).labels;
    const neutral = labels.indexOf('neutral');
    const found = await page({ label: neutral });
    expect(found.total).toBe(TRAIN.filter(({ label }) => label === 'neutral').length);
    expect(new Set(found.rows.map(({ label }) => label))).toEqual(new Set([neutral]));
    const both = await page({ label: neutral, text: 'Känguru' });
    expect(both.total).toBe(
      TRAIN.filter(
        ({ label, premise, hypothesis }) => label === 'neutral' && /känguru/i.test(premise + hypothesis),
      ).length,
    );
    expect(await page({ label: 99 })).toEqual({ total: 0, rows: [] });
  });

  it('of more searches than are kept are right all the same', async () => {
    const texts = Array.from({ length: 20 }, (_, at) => ` ${100 + at}`);
    const stands = (text: string) =>
      TRAIN.filter(({ premise, hypothesis }) => premise.includes(text) || hypothesis.includes(text)).length;
    for (let round = 0; round < 2; round++) {
      const totals = await Promise.all(texts.map(async (text) => (await page({ text })).total));
      expect(totals).toEqual(texts.map(stands));
    }
  });

  it('are refused beyond a thousand at once, and of what is not there', async () => {
    const rows = { name: 'pairs', split: 'train', from: 0, count: 1 };
    for (const bad of [{ count: 1001 }, { count: 0 }, { from: -1 }, { split: 'all' }, { label: -1 }])
      expect((await calls.refusal('datasets/rows', { ...rows, ...bad })).code).toBe('BAD_INPUT');
    const refusal = await calls.refusal('datasets/rows', { ...rows, name: 'none' });
    expect(refusal).toMatchObject({ code: 'NOT_FOUND', nextStep: 'There are: pairs.' });
  });
});

it('a data set that another program made anew under the same name is searched anew', async () => {
  expect((await page({ text: 'person' })).total).toBeGreaterThan(0);
  await calls.ask('datasets/delete', { name: 'pairs' });
  expect((await calls.refusal('datasets/show', { name: 'pairs' })).code).toBe('NOT_FOUND');
  await importPairs(
    PAIRS.slice(0, 100).map((pair) => ({ ...pair, premise: `A person. ${pair.premise}`, split: 'train' })),
  );
  const { total, rows } = await page({ text: 'person' });
  expect([total, rows.length]).toEqual([100, 100]);
  expect((await calls.ask('datasets/show', { name: 'pairs' })).rows).toEqual({ train: 100, dev: 0, test: 0 });
});
