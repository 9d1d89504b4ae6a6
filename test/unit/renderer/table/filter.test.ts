/** @file Tests. Filters over runs: what a person types, and which runs pass. */
import { describe, expect, it } from 'vitest';
import { compileFilter, type Filter, filterRows, filterSchema } from '../../../../renderer/table/filter.ts';
import { parseFilter } from '../../../../renderer/table/filterText.ts';
import { filterAsText } from '../../../../renderer/table/filterWriting.ts';
import { IndexedTable } from '../../../../renderer/table/indexedTable.ts';
import { tableOf } from '../../../support/runsTable.ts';

const DAY = 86_400_000;
const NOW = 100 * DAY;
const runs = new IndexedTable(
  tableOf([
    {
      id: 'a',
      name: 'minilm-lr1e-4',
      tags: ['best', 'thesis'],
      notes: 'As in Table 3',
      createdAtMs: NOW - DAY,
      settings: { 'hyperparameters.lr': 1e-4, 'dataset.name': 'SNLI', 'hyperparameters.freezeEncoder': true },
      metrics: { 'test/accuracy': 0.819, 'dev/accuracy': 0.3 },
    },
    {
      id: 'b',
      name: 'small',
      state: 'running',
      createdAtMs: NOW - 9 * DAY,
      settings: {
        'hyperparameters.lr': 3e-5,
        'dataset.name': 'sample',
        'hyperparameters.freezeEncoder': false,
      },
      metrics: { 'test/accuracy': 0.4 },
    },
    {
      id: 'c',
      name: null,
      state: 'failed',
      tags: ['old one'],
      createdAtMs: NOW - 30 * DAY,
      settings: { 'hyperparameters.lr': 3e-5, 'dataset.name': 'SNLI' },
    },
  ]),
);

function idsFor(text: string): string[] {
  const parsed = parseFilter(text, runs.columns);
  if (!parsed.ok) throw new Error(`${parsed.message} at ${parsed.at}`);
  return filterRows(runs, parsed.filter, NOW).map((row) => runs.table.ids[row]!);
}

describe('a typed filter', () => {
  it.each([
    ['', ['a', 'b', 'c']],
    ['accuracy > 0.5 and dataset = snli', ['a']],
    ['accuracy > 50', ['a']],
    ['accuracy >= 81.9 %', ['a']],
    ['accuracy < 81.9%', ['b']],
    ['test/accuracy <= 0.4', ['b']],
    ['dev accuracy < 0.5', ['a']],
    ['accuracy != 0.4', ['a', 'c']],
    ['accuracy is empty', ['c']],
    ['accuracy is not empty', ['a', 'b']],
    ['learning rate = 3e-5', ['b', 'c']],
    ['lr in (1e-4, 5)', ['a']],
    ['lr not in (1e-4)', ['b', 'c']],
    ['state in (running, failed)', ['b', 'c']],
    ['state = RUNNING', ['b']],
    ['not state = running', ['a', 'c']],
    ['tags has best', ['a']],
    ['tags = BEST', ['a']],
    ['tags has be', []],
    ['tags contains be', ['a']],
    ['tags not has best', ['b', 'c']],
    ['tags has "old one"', ['c']],
    ['tags is empty', ['b']],
    ['freezeEncoder = true', ['a']],
    ['freeze encoder is not true', ['b', 'c']],
    ['created within 2 days', ['a']],
    ['created within last 2 weeks', ['a', 'b']],
    ['dataset ~ nl', ['a', 'c']],
    ['dataset !~ nl', ['b']],
    ['lr < 1e-4 dataset = snli', ['c']],
    ['dataset = sample or accuracy > 0.5', ['a', 'b']],
    ['dataset = snli and (accuracy > 0.5 or state = failed)', ['a', 'c']],
    ['not (dataset = snli and (accuracy > 0.5 or state = failed))', ['b']],
    ['minilm', ['a']],
    ['"table 3"', ['a']],
    ['thesis accuracy > 0.1', ['a']],
    ['MINI lr = 1e-4', ['a']],
    ['state=failed||state=running', ['b', 'c']],
  ] as const)('%s', (text, ids) => {
    expect(idsFor(text)).toEqual(ids);
  });

  it.each([
    ['accurcy > 0.5', 'There is no column "accurcy".', 0],
    ['state = running and (lr = 1', 'A ")" is missing.', 27],
    ['state = running)', 'There is one ")" too many.', 15],
    ['lr >', 'A value is missing.', 4],
    ['lr > high', '"Learning rate" is compared with a number here.', 5],
    ['created within 2', 'The unit is minutes, hours, days or weeks.', 16],
    ['created within soon', 'A time such as "2 days" is missing.', 15],
    ['lr in 1', 'A list such as "(a, b)" is missing.', 6],
    ['lr in (1', 'A ")" is missing.', 8],
    ['state = running and', 'The filter ends too early.', 19],
    ['= 3', '"=" cannot stand here.', 0],
  ])('%s says what is wrong and where', (text, message, at) => {
    expect(parseFilter(text, runs.columns)).toEqual({ ok: false, message, at });
  });

  it.each([
    'accuracy > 50 and (dataset = snli or tags has "old one")',
    'not (created within 2 weeks)',
    'lr in (1e-4, 3e-5) or name contains "a \\"quoted\\" (name)"',
    'accuracy is empty and "or"',
    'state not in (running) freezeEncoder = yes',
  ])('%s is the same after being written and read again', (text) => {
    const first = parseFilter(text, runs.columns);
    if (!first.ok) throw new Error(first.message);
    expect(parseFilter(filterAsText(first.filter), runs.columns)).toEqual(first);
    expect(filterSchema.parse(JSON.parse(JSON.stringify(first.filter)))).toEqual(first.filter);
  });

  it('survives any text', () => {
    for (const text of [
      '"',
      "'",
      '\\',
      '((',
      ')(',
      'not',
      'not not',
      'is is is',
      '%',
      '🙂 = 🙂',
      'in (',
      '!',
      ',,',
    ]) {
      const parsed = parseFilter(text, runs.columns);
      if (parsed.ok) filterRows(runs, parsed.filter, NOW);
      else expect(parsed.message).not.toBe('');
    }
  });
});

describe('a filter', () => {
  it('about a column that is gone takes it as empty', () => {
    const gone: Filter = { kind: 'condition', field: 'gone', operator: 'empty', value: null };
    expect(filterRows(runs, gone, NOW)).toEqual([0, 1, 2]);
  });

  it('lets everything through when it is empty, and no number is above a text', () => {
    expect(filterRows(runs, { kind: 'or', of: [] }, NOW)).toHaveLength(3);
    const odd: Filter = { kind: 'condition', field: 'dataset.name', operator: '>', value: 1 };
    expect([0, 1, 2].some(compileFilter(runs, odd, NOW))).toBe(false);
  });
});
