/** @file Tests. What a file would be imported as, in every layout, before anything is: columns, rows, pairs, what is wrong. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Input } from '../../../shared/contract/contract.ts';
import { callsTo, type HostedCalls } from '../../support/hostedCalls.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import { SNLI_HEADER, snliLine, snliText } from '../../support/sourceRows.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { zipBytes } from '../../support/zipBytes.ts';

const folder = temporaryFolder();
let calls: HostedCalls;
beforeAll(() => {
  calls = callsTo(openHosted());
});

function file(name: string, text: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const preview = (input: Input<'datasets/preview'>) => calls.ask('datasets/preview', input);
const snliJson = (label: string, premise: string, hypothesis: string) =>
  JSON.stringify({
    ...{ annotator_labels: [label], captionID: 'c', gold_label: label, pairID: 'p' },
    ...{ sentence1: premise, sentence1_binary_parse: `( ${premise} )`, sentence1_parse: '(ROOT x)' },
    ...{ sentence2: hypothesis, sentence2_binary_parse: `( ${hypothesis} )`, sentence2_parse: '(ROOT x)' },
  });

describe('a preview of', () => {
  it('a table in CSV has its cells as they stand there, and the pairs as they would be read', async () => {
    const path = file(
      'My pairs (new).csv',
      'id,premise,hypothesis,label\n7,"A man, a plan","She said ""no""",no\n8,One,Two,yes\n9,,x,yes\n10,a,b\n',
    );
    expect(await preview({ path })).toEqual({
      ...{ path, format: 'csv', columns: ['id', 'premise', 'hypothesis', 'label'], guessed: true },
      rows: [
        ['7', 'A man, a plan', 'She said "no"', 'no'],
        ['8', 'One', 'Two', 'yes'],
        ['9', '', 'x', 'yes'],
      ],
      mapping: {
        ...{ format: 'csv', premise: 'premise', hypothesis: 'hypothesis', label: 'label', split: null },
        ...{ labels: { no: 'no', yes: 'yes' }, tokenised: false },
      },
      pairs: [
        { premise: 'A man, a plan', hypothesis: 'She said "no"', label: 'no' },
        { premise: 'One', hypothesis: 'Two', label: 'yes' },
      ],
      ...{ labels: ['no', 'yes'], labelsComplete: true },
      rejected: [
        { reason: 'empty sentence', line: 4 },
        { reason: 'wrong column count', line: 5 },
      ],
      suggestedName: 'My-pairs-new',
    });
  });

  it.each<[string, string, string, object]>([
    [
      'semicolons',
      'semicolons.csv',
      'text;label\n"one; two";good\nthree;bad\n',
      {
        ...{
          format: 'csv',
          columns: ['text', 'label'],
          rows: [
            ['one; two', 'good'],
            ['three', 'bad'],
          ],
        },
        pairs: [
          { premise: 'one; two', hypothesis: null, label: 'good' },
          { premise: 'three', hypothesis: null, label: 'bad' },
        ],
      },
    ],
    [
      'TSV, with a split',
      'table.tsv',
      'sentence1\tsentence2\tgold_label\tsplit\na "b\tc\tneutral\ttrain\nd\te\tentailment\tdev\n',
      {
        ...{ format: 'tsv', columns: ['sentence1', 'sentence2', 'gold_label', 'split'] },
        ...{ labels: ['entailment', 'neutral'], mapping: { split: 'split' } },
        pairs: [
          { premise: 'a "b', hypothesis: 'c', label: 'neutral' },
          { premise: 'd', hypothesis: 'e', label: 'entailment' },
        ],
      },
    ],
    [
      'JSONL, with a key that is missing once',
      'rows.jsonl',
      '{"premise":"a","hypothesis":"b","label":1,"note":"x"}\n{"premise":"c","hypothesis":"d","label":0}\n',
      {
        ...{ format: 'jsonl', columns: ['premise', 'hypothesis', 'label', 'note'] },
        rows: [
          ['a', 'b', '1', 'x'],
          ['c', 'd', '0', ''],
        ],
        rejected: [],
      },
    ],
    [
      "SNLI's text layout",
      'snli_1.0_train.txt',
      snliText([snliLine('neutral', 'A man sleeps', 'He rests'), snliLine('-', 'x', 'y')]),
      {
        ...{ format: 'snli-txt', columns: SNLI_HEADER.split('\t'), guessed: false },
        ...{ labels: ['entailment', 'contradiction', 'neutral'], rejected: [] },
        pairs: [{ premise: 'A man sleeps', hypothesis: 'He rests', label: 'neutral' }],
      },
    ],
    [
      "SNLI's JSONL",
      'snli_1.0_dev.jsonl',
      `${snliJson('entailment', 'A man', 'Somebody')}\n${snliJson('odd', 'x', 'y')}\n`,
      {
        ...{ format: 'snli-jsonl', guessed: false },
        pairs: [{ premise: 'A man', hypothesis: 'Somebody', label: 'entailment' }],
        rejected: [{ reason: 'unknown label', line: 2 }],
      },
    ],
  ])('%s', async (_, name, text, expected) => {
    expect(await preview({ path: file(name, text) })).toMatchObject(expected);
  });

  it("SNLI's folder and archive shows its training split first", async () => {
    const inside = join(folder, 'snli_1.0');
    mkdirSync(inside);
    const line = (words: string) => snliText([snliLine('neutral', words, 'y')]);
    const names = ['snli_1.0_test.txt', 'snli_1.0_dev.txt', 'snli_1.0_train.txt'];
    for (const name of names) writeFileSync(join(inside, name), line(name));
    const archive = file(
      'snli_1.0.zip',
      zipBytes(names.map((name) => ({ name: `snli_1.0/${name}`, content: Buffer.from(line(name)) }))),
    );
    for (const path of [inside, archive])
      expect(await preview({ path })).toMatchObject({
        ...{ format: 'snli-txt', suggestedName: 'snli_1.0' },
        pairs: [
          { premise: 'snli_1.0_train.txt' },
          { premise: 'snli_1.0_dev.txt' },
          { premise: 'snli_1.0_test.txt' },
        ],
        rows: [expect.arrayContaining(['snli_1.0_train.txt'])],
      });
  });

  it('a long file reads a thousand rows and shows twelve, long cells cut', async () => {
    const rows = Array.from(
      { length: 5000 },
      (_, at) => `${'x'.repeat(400)} ${at},b,${at === 1500 ? '' : `l${at % 2}`}`,
    );
    const shown = await preview({ path: file('long.csv', `text1,text2,label\n${rows.join('\n')}\n`) });
    expect([shown.rows.length, shown.pairs.length, shown.rejected.length]).toEqual([12, 12, 0]);
    expect(shown.rows[0]![0]).toBe('x'.repeat(300));
  });
});

describe('of a file that is too long to be read whole, labels', () => {
  /** Rows of about a hundred bytes whose labels are given by place. */
  const long = (name: string, rows: number, labelAt: (row: number) => string) =>
    file(
      name,
      `premise,hypothesis,label\n${Array.from({ length: rows }, (_, row) => `${'word '.repeat(18)}${row},b,${labelAt(row)}`).join('\n')}\n`,
    );

  it('are those of the first rows, which is said; the import reads them all', async () => {
    const path = long('late.csv', 60_000, (row) => (row === 59_000 ? 'late' : `l${row % 2}`));
    expect(await preview({ path })).toMatchObject({ labels: ['l0', 'l1'], labelsComplete: false });
    const { job } = await calls.ask('datasets/import', { path, name: 'late' });
    await calls.ended(job);
    expect((await calls.ask('datasets/show', { name: 'late' })).labels).toEqual(['l0', 'l1', 'late']);
  });

  it('are looked for until there are two, as the file may be sorted by them', async () => {
    const path = long('sorted.csv', 60_000, (row) => (row < 40_000 ? 'a' : row < 59_000 ? 'b' : 'c'));
    expect(await preview({ path })).toMatchObject({ labels: ['a', 'b'], labelsComplete: false });
  });
});

describe('what a person says about columns', () => {
  const table = 'left,right,verdict,text,label\na,b,0,c,x\nd,e,1,f,y\n';

  it('counts more than the header', async () => {
    const path = file('odd.csv', table);
    expect(await preview({ path })).toMatchObject({
      guessed: true,
      mapping: { premise: 'text', label: 'label' },
    });
    const mapping = { premise: 'left', hypothesis: 'right', label: 'verdict', labels: { 0: 'no', 1: 'yes' } };
    expect(await preview({ path, mapping })).toMatchObject({
      ...{ guessed: false, labels: ['no', 'yes'] },
      pairs: [
        { premise: 'a', hypothesis: 'b', label: 'no' },
        { premise: 'd', hypothesis: 'e', label: 'yes' },
      ],
    });
    expect(await preview({ path, mapping: { hypothesis: null } })).toMatchObject({
      pairs: [{ premise: 'c', hypothesis: null, label: 'x' }, { premise: 'f' }],
    });
    expect(await preview({ path, format: 'csv' })).toMatchObject({ format: 'csv' });
  });

  it('is refused when it does not fit, saying what there is', async () => {
    const path = file('odd.csv', table);
    const wrong = await calls.refusal('datasets/preview', { path, mapping: { premise: 'none', label: 'x' } });
    expect(wrong).toMatchObject({ code: 'USAGE', place: { file: path, line: 1 } });
    expect(wrong.message).toContain('left, right, verdict, text, label');
    const twice = { premise: 'left', hypothesis: 'left', label: 'label' };
    expect(await calls.refusal('datasets/preview', { path, mapping: twice })).toMatchObject({
      code: 'BAD_FILE',
    });
    for (const bad of [{ columns: 'x' }, { premise: 7 }, { labels: { a: 1 } }])
      expect((await calls.refusal('datasets/preview', { path, mapping: bad })).code).toBe('BAD_INPUT');
    expect((await calls.refusal('datasets/preview', { path, format: 'xlsx' })).code).toBe('BAD_INPUT');
  });
});

it.each<[string, string, string | Uint8Array | null]>([
  ['NOT_FOUND', 'nowhere.csv', null],
  ['BAD_FILE', 'empty.csv', ''],
  ['BAD_FILE', 'header.csv', 'premise,hypothesis,label\n'],
  ['BAD_FILE', 'unnamed.csv', 'foo,bar\n1,2\n'],
  ['BAD_FILE', 'array.json', '[{"premise":"a"}]'],
  ['BAD_FILE', 'binary.csv', Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 1])],
  ['BAD_FILE', 'really.zip', 'no archive'],
  ['BAD_FILE', 'gzip.csv', Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])],
])('refuses with %s the file %s, naming it', async (code, name, content) => {
  const path = content === null ? join(folder, name) : file(name, content);
  const refusal = await calls.refusal('datasets/preview', { path });
  expect(refusal.code).toBe(code);
  expect(refusal.message).toContain(name);
  expect(refusal.nextStep).not.toBe('');
});

it('refuses a folder without data, and what is no file', async () => {
  mkdirSync(join(folder, 'empty'));
  expect(await calls.refusal('datasets/preview', { path: join(folder, 'empty') })).toMatchObject({
    code: 'BAD_FILE',
  });
  expect(await calls.refusal('datasets/preview', { path: '/dev/zero' })).toMatchObject({
    code: 'UNREADABLE',
  });
});
