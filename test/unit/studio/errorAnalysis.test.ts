/** @file Tests. What a run gets wrong, from stored predictions and the examples in the cache. */
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deleteDataset } from '../../../main/data/datasets.ts';
import { importDataset } from '../../../main/data/importDataset.ts';
import type { Databases } from '../../../main/studio/databases.ts';
import { ErrorAnalysisService, type ExampleChoice } from '../../../main/studio/errorAnalysis.ts';
import { errorFilterSchema } from '../../../shared/contract/errorAnalysis.ts';
import type { Dataset } from '../../../shared/datasets.ts';
import { type CsvPair, writePairsCsv } from '../../support/pairsCsv.ts';
import { freshDatabases, importPairs, predict, runOn } from '../../support/predictedRun.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const PAIRS: readonly CsvPair[] = [
  { premise: 'A man sings in a park.', hypothesis: 'A man sings.', label: 'entailment' },
  { premise: 'A man sings in a park.', hypothesis: 'Nobody sings.', label: 'contradiction' },
  { premise: 'A man sings in a park.', hypothesis: 'He likes songs.', label: 'neutral' },
  { premise: 'Two dogs RUN.', hypothesis: 'Dogs run.', label: 'entailment' },
  { premise: 'Two dogs run.', hypothesis: 'No dog moves.', label: 'contradiction' },
];

let databases: Databases;
let analysis: ErrorAnalysisService;

beforeEach(() => {
  databases = freshDatabases();
  analysis = new ErrorAnalysisService(databases);
});
afterEach(() => databases.close());

function choice(
  run: string,
  changes: { against?: string; sort?: ExampleChoice['sort']; filter?: object } = {},
) {
  const { against = null, sort = 'mostConfident', filter = {} } = changes;
  return { run, split: 'test', against, sort, filter: errorFilterSchema.parse(filter) } as const;
}
const everything = { from: 0, count: 100 };

/** Gold labels of PAIRS by the data set's order of labels. */
function golds({ labels }: Dataset): number[] {
  return PAIRS.map(({ label }) => labels.indexOf(label));
}

/** A run that is wrong exactly at these places, by one label. */
async function runWrongAt(dataset: Dataset, places: readonly number[]): Promise<string> {
  const run = runOn(databases, dataset);
  const predicted = golds(dataset).map((gold, at) => (places.includes(at) ? (gold + 1) % 3 : gold));
  predict(databases, run, { classes: 3, predicted });
  return run;
}

describe('one run', () => {
  it('is summed up over the whole split', async () => {
    const dataset = await importPairs(databases, 'pairs', PAIRS);
    const run = await runWrongAt(dataset, [1, 4]);
    const overview = await analysis.overview(choice(run));
    const contradiction = dataset.labels.indexOf('contradiction');
    expect(overview).toMatchObject({
      ...{ run, dataset: 'pairs', split: 'test', step: 1, pairs: 5, labels: dataset.labels },
      ...{ otherConfusion: null, changes: null },
    });
    expect(overview.confusion[contradiction]![(contradiction + 1) % 3]).toBe(2);
    expect(overview.confusion.flat().reduce((sum, count) => sum + count)).toBe(5);
    const negation = overview.slices.find(({ key }) => key === 'negation');
    expect(negation).toMatchObject({ pairs: 2, wrong: 2 });
    const { rows } = await analysis.rows({ ...choice(run), filter: negation!.filter }, everything);
    expect(rows.map(({ index }) => index)).toEqual([1, 4]);
  });

  it('shows its examples as they were written, with everything about them', async () => {
    const dataset = await importPairs(databases, 'pairs', PAIRS);
    const run = runOn(databases, dataset);
    const predicted = golds(dataset).map((gold) => (gold === 0 ? [0.25, 0.5, 0.25] : gold));
    predict(databases, run, { classes: 3, predicted });
    const { total, rows } = await analysis.rows(choice(run), everything);
    expect(total).toBe(rows.length);
    expect(rows[0]).toEqual({
      index: PAIRS.findIndex(({ label }) => label === dataset.labels[0]),
      premise: expect.stringMatching(/^(A man sings in a park\.|Two dogs RUN\.)$/),
      hypothesis: expect.any(String),
      gold: 0,
      predicted: 1,
      probabilities: [0.25, 0.5, 0.25],
      length: expect.any(Number),
      negation: false,
      overlap: expect.any(Number),
      other: null,
    });
  });

  it('gives windows of the same order, and finds text in either sentence whatever the case', async () => {
    const dataset = await importPairs(databases, 'pairs', PAIRS);
    const run = await runWrongAt(dataset, [0, 1, 2, 3, 4]);
    const asked = choice(run, { sort: 'longest', filter: { text: 'RUN' } });
    const { total, rows } = await analysis.rows(asked, everything);
    expect([total, rows.map(({ index }) => index)]).toEqual([2, [4, 3]]);
    const second = await analysis.rows(asked, { from: 1, count: 1 });
    expect([second.total, second.rows[0]!.index]).toEqual([2, 3]);
    expect(await analysis.rows(asked, { from: 2, count: 5 })).toEqual({ total: 2, rows: [] });
    const inPremise = await analysis.rows(choice(run, { filter: { text: 'park' } }), everything);
    expect(inPremise.total).toBe(3);
    expect((await analysis.rows(choice(run, { filter: { text: 'P.rk' } }), everything)).total).toBe(0);
  });

  it('is read again when it has predicted anew', async () => {
    const dataset = await importPairs(databases, 'pairs', PAIRS);
    const run = await runWrongAt(dataset, [1, 4]);
    expect((await analysis.rows(choice(run), everything)).total).toBe(2);
    predict(databases, run, { classes: 3, predicted: golds(dataset), step: 2 });
    expect((await analysis.rows(choice(run), everything)).total).toBe(0);
    expect((await analysis.overview(choice(run))).step).toBe(2);
    predict(databases, run, { classes: 3, predicted: golds(dataset).map((gold) => (gold + 1) % 3), step: 2 });
    expect((await analysis.rows(choice(run), everything)).total).toBe(5);
  });

  it('of more examples than a block holds shows the right ones', async () => {
    const many = Array.from({ length: 1200 }, (_, at) => ({
      ...{ premise: `Person ${at} sits.`, hypothesis: `Number ${at}.` },
      label: at % 2 === 0 ? 'yes' : 'maybe',
    }));
    const dataset = await importPairs(databases, 'many', many);
    const run = runOn(databases, dataset);
    const predicted = many.map(({ label }, at) => {
      const gold = dataset.labels.indexOf(label);
      return at % 400 === 7 ? 1 - gold : gold;
    });
    predict(databases, run, { classes: 2, predicted });
    const { rows } = await analysis.rows(choice(run), everything);
    expect(rows.map(({ index, hypothesis }) => [index, hypothesis])).toEqual([
      [7, 'Number 7.'],
      [407, 'Number 407.'],
      [807, 'Number 807.'],
    ]);
    const found = await analysis.rows(
      choice(run, { filter: { correctness: 'all', text: '1199' } }),
      everything,
    );
    expect(found.rows.map(({ index }) => index)).toEqual([1199]);
  });
});

it('single sentences have no overlap, and no column for a hypothesis', async () => {
  const path = join(temporaryFolder(), 'single.csv');
  writePairsCsv(
    path,
    PAIRS.map((pair) => ({ ...pair, split: 'test' })),
  );
  const mapping = { premise: 'hypothesis', hypothesis: null, label: 'label', split: 'split' };
  const dataset = await importDataset(databases.cache(), { path, name: 'single', mapping });
  const run = await runWrongAt(dataset, [1, 2]);
  const { slices } = await analysis.overview(choice(run));
  expect(slices.map(({ key }) => key)).not.toContain('lowOverlap');
  expect(slices.find(({ key }) => key === 'negation')).toMatchObject({
    name: 'negation',
    pairs: 2,
    wrong: 1,
  });
  const { rows } = await analysis.rows(choice(run, { sort: 'index' }), everything);
  expect(rows[0]).toMatchObject({
    premise: 'Nobody sings.',
    hypothesis: null,
    negation: true,
    overlap: null,
  });
  const inRange = choice(run, { filter: { correctness: 'all', overlapFrom: 0 } });
  expect((await analysis.rows(inRange, everything)).total).toBe(0);
  const [header] = (await analysis.csv(choice(run))).text.split('\n');
  expect(header).toMatch(/^index,premise,gold,/);
  expect(header).not.toContain('overlap');
});

describe('against another run', () => {
  it('tells what was fixed and broken', async () => {
    const dataset = await importPairs(databases, 'pairs', PAIRS);
    const [run, other] = [await runWrongAt(dataset, [1, 2]), await runWrongAt(dataset, [2, 3])];
    const overview = await analysis.overview(choice(run, { against: other }));
    expect(overview.changes).toEqual({ fixed: 1, broken: 1, bothWrong: 1, bothRight: 2 });
    expect(overview.otherConfusion!.flat().reduce((sum, count) => sum + count)).toBe(5);
    const of = async (change: string) => {
      const { rows } = await analysis.rows(choice(run, { against: other, filter: { change } }), everything);
      return rows.map(({ index, predicted, gold, other: beside }) => [
        index,
        predicted === gold,
        beside?.predicted === gold,
      ]);
    };
    expect(await of('fixed')).toEqual([[3, true, false]]);
    expect(await of('broken')).toEqual([[1, false, true]]);
    expect(await of('bothWrong')).toEqual([[2, false, false]]);
  });

  it('refuses a run on other rows, and a change without another run', async () => {
    const dataset = await importPairs(databases, 'pairs', PAIRS);
    const run = await runWrongAt(dataset, []);
    const elsewhere = await importPairs(databases, 'others', PAIRS.slice(1));
    const other = runOn(databases, elsewhere);
    predict(databases, other, { classes: 3, predicted: [0, 0, 0, 0] });
    const error = await studioRejectionOf(analysis.overview(choice(run, { against: other })));
    expect(error).toMatchObject({ code: 'USAGE', message: expect.stringContaining('"others"') });
    const alone = analysis.rows(choice(run, { filter: { change: 'fixed' } }), everything);
    expect(await studioRejectionOf(alone)).toMatchObject({
      code: 'USAGE',
      nextStep: expect.stringMatching(/./),
    });
  });
});

describe('what is missing is said', () => {
  it('no run, no predictions', async () => {
    expect((await studioRejectionOf(analysis.overview(choice('r9zzzz')))).code).toBe('NOT_FOUND');
    const run = runOn(databases, await importPairs(databases, 'pairs', PAIRS));
    const error = await studioRejectionOf(analysis.overview(choice(run)));
    expect(error).toMatchObject({
      code: 'NOT_FOUND',
      nextStep: expect.stringContaining('stopped to be kept'),
    });
  });

  it('the data set was deleted, and comes back under another name', async () => {
    const run = await runWrongAt(await importPairs(databases, 'pairs', PAIRS), [3]);
    const before = await analysis.rows(choice(run), everything);
    deleteDataset(databases.cache(), 'pairs');
    const error = await studioRejectionOf(analysis.rows(choice(run), everything));
    expect(error).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('"pairs"') });
    expect(error.nextStep).toContain('Import');
    await importPairs(databases, 'again', PAIRS);
    expect(await analysis.rows(choice(run), everything)).toEqual(before);
  });

  it('the data set of that name holds something else', async () => {
    const run = await runWrongAt(await importPairs(databases, 'pairs', PAIRS), [3]);
    deleteDataset(databases.cache(), 'pairs');
    await importPairs(databases, 'pairs', PAIRS.toReversed());
    const error = await studioRejectionOf(analysis.overview(choice(run)));
    expect(error).toMatchObject({ code: 'CHECKSUM_MISMATCH', nextStep: expect.stringContaining('Import') });
  });

  it('the data set goes while its examples are read', async () => {
    const many = Array.from({ length: 6000 }, (_, at) => ({
      ...{ premise: `Person ${at} sits.`, hypothesis: `Number ${at}.`, label: at % 2 === 0 ? 'yes' : 'no' },
    }));
    const run = runOn(databases, await importPairs(databases, 'many', many));
    predict(databases, run, { classes: 2, predicted: many.map(() => 0) });
    const asked = studioRejectionOf(analysis.overview(choice(run)));
    deleteDataset(databases.cache(), 'many');
    expect(await asked).toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('deleted') });
  });
});

describe('as CSV', () => {
  const rows: readonly CsvPair[] = [
    { premise: '=HYPERLINK("http://x","y")', hypothesis: '+1 dog', label: '=label' },
    { premise: '@sum', hypothesis: '-cat, "big"', label: 'other' },
    { premise: 'two\nlines', hypothesis: '-0.5', label: 'other' },
  ];

  it('comes back cell by cell, and nothing in it is a formula', async () => {
    const dataset = await importPairs(databases, 'pairs', rows);
    const run = runOn(databases, dataset);
    const wrong = rows.map(({ label }) => (dataset.labels.indexOf(label) === 0 ? [0.3, 0.7] : [0.6, 0.4]));
    predict(databases, run, { classes: 2, predicted: wrong });
    const csv = await analysis.csv(choice(run, { sort: 'index', against: run }));
    const records = parse(csv.text, { columns: true }) as Record<string, string>[];
    expect(csv.rows).toBe(3);
    expect(records.map(({ index, premise, hypothesis }) => [index, premise, hypothesis])).toEqual([
      ['0', `'=HYPERLINK("http://x","y")`, "'+1 dog"],
      ['1', "'@sum", `'-cat, "big"`],
      ['2', 'two\nlines', '-0.5'],
    ]);
    const [first] = records;
    expect(first!['gold']).toBe("'=label");
    expect(first!['words']).toBe('5');
    expect(Number(first![`${run} other`]) + Number(first![`${run} =label`])).toBeCloseTo(1, 6);
    for (const cell of records.flatMap((record) => Object.values(record)))
      expect(cell).toMatch(/^([^=+\-@\t\r]|-?[\d.]|$)/);
    for (const name of Object.keys(first!)) expect(name).not.toMatch(/^[=+\-@\t\r]/);
  });

  it('holds the filtered rows in their order', async () => {
    const dataset = await importPairs(databases, 'pairs', PAIRS);
    const run = await runWrongAt(dataset, [0, 4]);
    const { text } = await analysis.csv(choice(run, { sort: 'shortest' }));
    const records = parse(text, { columns: true }) as Record<string, string>[];
    expect(records.map((record) => [record['index'], record['negation']])).toEqual([
      ['4', 'yes'],
      ['0', 'no'],
    ]);
  });
});
