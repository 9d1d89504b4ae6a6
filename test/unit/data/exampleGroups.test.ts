/** @file Tests. Kinds of examples: which columns tell them, and that each example keeps its own through an import. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Cache, openCache } from '../../../main/data/cache.ts';
import { examples } from '../../../main/data/datasets.ts';
import { GroupTally, readGroups } from '../../../main/data/exampleGroups.ts';
import { type ImportOptions, importDataset } from '../../../main/data/importDataset.ts';
import { pairsParquet, parquetBytes } from '../../support/parquetBytes.ts';
import { missingShared, sharedPath } from '../../support/sharedData.ts';
import { fileWith } from '../../support/sourceRows.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

/** The official columns of HANS. */
const HANS_COLUMNS = [
  ...['gold_label', 'sentence1_binary_parse', 'sentence2_binary_parse', 'sentence1_parse', 'sentence2_parse'],
  ...['sentence1', 'sentence2', 'pairID', 'heuristic', 'subcase', 'template'],
];
const HANS_ROWS = [
  ['non-entailment', 'lexical_overlap', 'ln_subject/object_swap', 'The president advised the doctor .'],
  ['entailment', 'lexical_overlap', 'le_passive', 'The senators were supported by the manager .'],
  ['non-entailment', 'subsequence', 'sn_NP/S', 'The managers heard the secretary resigned .'],
  ['entailment', 'constituent', 'ce_after_since_clause', 'Because the tourists ran , the lawyer slept .'],
];

function hansText(rows = HANS_ROWS): string {
  const lines = rows.map(([label, heuristic, subcase, premise]) =>
    [
      label,
      `( ${premise} )`,
      '( It is so . )',
      '(ROOT x)',
      '(ROOT x)',
      premise,
      'It is so .',
      'ex0',
      heuristic,
      subcase,
      'temp1',
    ].join('\t'),
  );
  return `${[HANS_COLUMNS.join('\t'), ...lines].join('\n')}\n`;
}

async function imported(path: string, options: Partial<ImportOptions> = {}) {
  const cache: Cache = openCache(join(temporaryFolder(), 'cache.db'));
  onTestFinished(() => cache.close());
  const dataset = await importDataset(cache, { path, name: 'data', ...options });
  return { cache, dataset };
}

/** Each example's premise and its kind in a group. */
function kindsIn(cache: Cache, datasetId: number, split: 'train' | 'dev' | 'test', name: string): string[] {
  const group = readGroups(cache, datasetId, split).find((one) => one.name === name);
  const rows = examples(cache, datasetId, split, { from: 0, count: 10_000 });
  return rows.map(({ premise, index }) => `${premise.raw} -> ${group?.kinds[group.codes[index]!]}`);
}

describe('the official file of HANS', () => {
  test('is one test split with heuristic and sub-case', async () => {
    const path = fileWith('heuristics_evaluation_set.txt', hansText());
    const { cache, dataset } = await imported(path, { wholeSplit: 'test' });
    expect(dataset).toMatchObject({
      rows: { train: 0, dev: 0, test: 4 },
      labels: ['entailment', 'non-entailment'],
    });
    expect(dataset.report.madeSplits).toBeNull();
    expect(readGroups(cache, dataset.id, 'test').map(({ name }) => name)).toEqual(['heuristic', 'subcase']);
    expect(kindsIn(cache, dataset.id, 'test', 'heuristic')).toEqual(
      HANS_ROWS.map(([, heuristic, , premise]) => `${premise} -> ${heuristic}`),
    );
  });

  test('keeps the kind of each example when splits are made of it', async () => {
    const many = Array.from({ length: 200 }, (_, at) => {
      const [label, heuristic, subcase, premise] = HANS_ROWS[at % 4]!;
      return [label!, heuristic!, subcase!, `${at} ${premise}`];
    });
    const { cache, dataset } = await imported(fileWith('hans.txt', hansText(many)));
    const seen = (['train', 'dev', 'test'] as const).flatMap((split) =>
      kindsIn(cache, dataset.id, split, 'heuristic'),
    );
    expect(seen.toSorted()).toEqual(
      many.map(([, heuristic, , premise]) => `${premise} -> ${heuristic}`).toSorted(),
    );
  });

  const skip = missingShared('data', 'hans');
  test.skipIf(skip !== null)(`is read whole${skip === null ? '' : ` (${skip})`}`, async () => {
    const { cache, dataset } = await imported(sharedPath('data', 'hans', 'hans_eval_30k.tsv'), {
      wholeSplit: 'test',
    });
    expect(dataset.rows.test).toBe(30_000);
    const [group] = readGroups(cache, dataset.id, 'test');
    expect(group?.kinds).toEqual(['lexical_overlap', 'subsequence', 'constituent']);
    const counts = [0, 1, 2].map((kind) => group!.codes.filter((code) => code === kind).length);
    expect(counts).toEqual([10_000, 10_000, 10_000]);
  });
});

describe('MultiNLI', () => {
  const COLUMNS = ['gold_label', 'sentence1', 'sentence2', 'promptID', 'pairID', 'genre', 'label1'];
  const text = (genre: string, words: readonly string[]) =>
    `${[COLUMNS.join('\t'), ...words.map((word, at) => [['entailment', 'neutral', 'contradiction'][at % 3], `${word}.`, 'So it is.', '1', '1n', genre, 'x'].join('\t'))].join('\n')}\n`;

  test('tells its two development sets apart, and genres', async () => {
    const folder = join(temporaryFolder(), 'multinli_1.0');
    mkdirSync(folder);
    writeFileSync(join(folder, 'multinli_1.0_train.txt'), text('telephone', ['One', 'Two', 'Three']));
    writeFileSync(join(folder, 'multinli_1.0_dev_matched.txt'), text('fiction', ['Four', 'Five', 'Six']));
    writeFileSync(
      join(folder, 'multinli_1.0_dev_mismatched.txt'),
      text('letters', ['Seven', 'Eight', 'Nine']),
    );
    const { cache, dataset } = await imported(folder);
    expect(dataset.rows).toEqual({ train: 3, dev: 6, test: 0 });
    expect(kindsIn(cache, dataset.id, 'dev', 'part')).toEqual([
      ...['Four', 'Five', 'Six'].map((word) => `${word}. -> matched`),
      ...['Seven', 'Eight', 'Nine'].map((word) => `${word}. -> mismatched`),
    ]);
    expect(kindsIn(cache, dataset.id, 'dev', 'genre')[0]).toBe('Four. -> fiction');
    // One kind is no difference.
    expect(readGroups(cache, dataset.id, 'train')).toEqual([]);
  });
});

describe('columns of kinds', () => {
  test('are read from JSONL and Parquet too, and may be missing', async () => {
    const lines = [
      { sentence1: 'a b', sentence2: 'c', gold_label: 'entailment', genre: 'fiction' },
      { sentence1: 'd e', sentence2: 'f', gold_label: 'neutral' },
    ];
    const jsonl = await imported(fileWith('a.jsonl', lines.map((one) => JSON.stringify(one)).join('\n')), {
      wholeSplit: 'dev',
    });
    expect(kindsIn(jsonl.cache, jsonl.dataset.id, 'dev', 'genre')).toEqual(['a b -> fiction', 'd e -> ']);
    const table = parquetBytes([
      { name: 'premise', data: ['a b', 'd e'], type: 'STRING' },
      { name: 'hypothesis', data: ['c', 'f'], type: 'STRING' },
      { name: 'label', data: ['entailment', 'neutral'], type: 'STRING' },
      { name: 'heuristic', data: ['subsequence', 'constituent'], type: 'STRING' },
    ]);
    const parquet = await imported(fileWith('a.parquet', table), { wholeSplit: 'test' });
    expect(kindsIn(parquet.cache, parquet.dataset.id, 'test', 'heuristic')).toEqual([
      'a b -> subsequence',
      'd e -> constituent',
    ]);
  });

  test('with too many kinds tell nothing', () => {
    const tally = new GroupTally(['genre', 'subcase']);
    for (let at = 0; at < 300; at++) tally.add([String(at), String(at % 2)]);
    expect(tally.groups().map(({ name }) => name)).toEqual(['subcase']);
  });

  test('of data without any are none, and damage is noticed', async () => {
    const plain = await imported(
      fileWith(
        'a.parquet',
        pairsParquet([
          { premise: 'a', hypothesis: 'b', label: 0 },
          { premise: 'c', hypothesis: 'd', label: 1 },
        ]),
      ),
    );
    expect(readGroups(plain.cache, plain.dataset.id, 'train')).toEqual([]);
    const { cache, dataset } = await imported(fileWith('hans.txt', hansText()), { wholeSplit: 'test' });
    cache.database.prepare('UPDATE example_groups SET codes = zeroblob(4)').run();
    expect(studioErrorOf(() => readGroups(cache, dataset.id, 'test')).code).toBe('DATABASE_CORRUPT');
  });

  test('go with their data set, and a cache from before them gets the table', async () => {
    const { cache, dataset } = await imported(fileWith('hans.txt', hansText()), { wholeSplit: 'test' });
    cache.database.exec('DROP TABLE example_groups');
    expect(readGroups(cache, dataset.id, 'test')).toEqual([]);
    cache.close();
    const again = openCache(cache.path);
    onTestFinished(() => again.close());
    expect(readGroups(again, dataset.id, 'test')).toEqual([]);
    await importDataset(again, { path: fileWith('hans.txt', hansText()), name: 'more', wholeSplit: 'test' });
    expect(again.database.prepare('SELECT count(*) FROM example_groups').pluck().get()).toBe(2);
    again.database.prepare("DELETE FROM datasets WHERE name = 'more'").run();
    expect(again.database.prepare('SELECT count(*) FROM example_groups').pluck().get()).toBe(0);
  });
});
