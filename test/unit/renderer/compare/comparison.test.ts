/** @file Tests. A comparison as lines and as a file: what differs, differences to the baseline, names of any kind. */
import { describe, expect, it } from 'vitest';
import { firstMetrics, readCompareView } from '../../../../renderer/pages/compare/compareView.ts';
import { comparisonDocument } from '../../../../renderer/pages/compare/comparisonDocument.ts';
import {
  cellText,
  metricSection,
  settingSections,
} from '../../../../renderer/pages/compare/comparisonRows.ts';
import { significanceRow } from '../../../../renderer/pages/compare/significance.ts';
import { IndexedTable } from '../../../../renderer/table/indexedTable.ts';
import type { ComparisonRow, RunComparison } from '../../../../shared/comparison.ts';
import { tableOf } from '../../../support/runsTable.ts';

const row = (key: string, ...values: ComparisonRow['values']): ComparisonRow => ({
  key,
  values,
  differs: values.some((value) => !Object.is(value, values[0])),
});
const comparison: RunComparison = {
  runs: ['a', 'b', 'c'].map((id) => ({ id, name: null, state: 'completed' })),
  settings: [
    row('hyperparameters.lr', 1e-4, 3e-5, null),
    row('hyperparameters.epochs', 5, 5, 5),
    row('dataset.name', 'SNLI', 'SNLI', 'sample'),
    row('environment.memoryBytes', 16e9, 16e9, 32e9),
    row('unheard.of', 'x', 'y', 'z'),
  ],
  metrics: [],
};
const runs = new IndexedTable(
  tableOf([
    { id: 'c', metrics: { 'test/accuracy': 0.8, 'dev/loss': 0.5 } },
    { id: 'a', metrics: { 'test/accuracy': 0.75, 'dev/loss': 0.4 } },
    { id: 'b', metrics: { 'test/accuracy': 0.7 } },
  ]),
);
const wish = { differencesOnly: true, search: '', baseline: 0 };

describe('the table of a comparison', () => {
  it('shows what differs, in sections, and says how much is identical', () => {
    const sections = settingSections(comparison, wish);
    expect(
      sections.map(({ title, lines, identical }) => [title, lines.map(({ name }) => name), identical]),
    ).toEqual([
      ['Hyperparameters', ['Learning rate'], 1],
      ['Data', ['Data set'], 0],
      ['Environment', ['Memory bytes (environment)'], 0],
      ['Other', ['Of (unheard)'], 0],
    ]);
    expect(settingSections(comparison, { ...wish, differencesOnly: false })[0]?.lines).toHaveLength(2);
    expect(settingSections(comparison, { ...wish, search: 'LEARN' }).map(({ title }) => title)).toEqual([
      'Hyperparameters',
    ]);
  });

  it('writes values, and differences to the baseline beside them', () => {
    const [hyperparameters, , environment] = settingSections(comparison, wish);
    expect(hyperparameters?.lines[0]?.cells.map(cellText)).toEqual(['1e-4', '3e-5 (−7e-5)', '–']);
    expect(environment?.lines[0]?.cells.map(cellText)).toEqual([
      '16.0 GB',
      '16.0 GB (±0)',
      '32.0 GB (+16.0 GB)',
    ]);
  });

  it('marks the best of each result, whichever way is better, in the order of the columns', () => {
    const { lines } = metricSection(runs, ['a', 'b', 'c', 'gone'], wish);
    expect(lines.map(({ name, cells }) => [name, ...cells.map(cellText)])).toEqual([
      ['Test accuracy', '75.0', '70.0 (−5.0)', '80.0 (+5.0)', '–'],
      ['Dev loss', '0.400', '–', '0.500 (+0.100)', '–'],
    ]);
    expect(lines.map(({ cells }) => cells.findIndex(({ best }) => best))).toEqual([2, 0]);
    expect(lines[1]?.cells[2]?.delta?.verdict).toBe('worse');
  });
});

describe('results that were measured under several names', () => {
  const measured = (id: string, last: number, best: number, final: number) => ({
    id,
    metrics: { 'test/accuracy': last, 'best/test/accuracy': best, 'result/testAccuracy': final },
  });
  const namesOf = (...rows: ReturnType<typeof measured>[]) => {
    const ids = rows.map(({ id }) => id);
    const table = new IndexedTable(tableOf(rows));
    return metricSection(table, ids, { ...wish, differencesOnly: false }).lines.map(({ name }) => name);
  };

  it('stand once where they say the same of every run', () => {
    expect(namesOf(measured('a', 0.8, 0.8, 0.8), measured('b', 0.7, 0.7, 0.7))).toEqual(['Test accuracy']);
  });

  it('are told apart where they do not', () => {
    expect(namesOf(measured('a', 0.8, 0.8, 0.8), measured('b', 0.7, 0.75, 0.7))).toEqual([
      'Last test accuracy',
      'Best test accuracy',
    ]);
    expect(namesOf(measured('a', 0.8, 0.9, 0.85), measured('b', 0.7, 0.75, 0.72))).toEqual([
      'Last test accuracy',
      'Best test accuracy',
      'Final test accuracy',
    ]);
  });
});

describe('a paired difference', () => {
  const difference = {
    run: 'a',
    comparable: true,
    pairs: 9824,
    difference: 0.012,
    low: 0.004,
    high: 0.02,
    pValue: 0.00002,
    onlyRun: 812,
    onlyBaseline: 694,
  } as const;

  it('is clear when its interval leaves out 0', () => {
    expect(significanceRow(difference)).toEqual({
      difference: '+1.2',
      interval: '+0.4 to +2.0',
      p: '< 0.0001',
      onlyRun: '812',
      onlyBaseline: '694',
      pairs: '9,824',
      clear: 'better',
    });
    expect(significanceRow({ ...difference, low: -0.001 })?.clear).toBeNull();
    expect(significanceRow({ ...difference, low: -0.02, high: -0.001, pValue: 0.0312 })).toMatchObject({
      clear: 'worse',
      p: '0.031',
    });
    expect(significanceRow({ run: 'a', comparable: false, reason: 'other rows' })).toBeNull();
  });

  it('stands in the file with its reason when there is none', () => {
    const html = comparisonDocument({
      names: ['<b>"a"</b>', 'b'],
      baseline: '<b>"a"</b>',
      madeAt: new Date(Date.UTC(2026, 0, 2, 3, 4)),
      figures: ['<svg></svg>'],
      parallel: null,
      sections: [metricSection(runs, ['a', 'b'], wish)],
      significance: {
        split: 'test',
        rows: [
          { ...difference, name: 'x' },
          { run: 'b', comparable: false, reason: 'It was evaluated on <other> rows.', name: 'b' },
        ],
      },
    });
    expect(html).toContain('2026-01-02 03:04 UTC');
    expect(html).toContain('It was evaluated on &lt;other&gt; rows.');
    expect(html).toContain('<bdi>+0.4 to +2.0</bdi>');
    expect(html).not.toContain('<b>');
  });
});

describe('a stored view', () => {
  it('opens with defaults for whatever is missing or wrong', () => {
    const view = readCompareView({
      runs: ['a'],
      baseline: 7,
      chart: { smoothing: 12, axis: 'epoch' },
      axes: 'no',
    });
    expect(view).toMatchObject({ runs: ['a'], baseline: null, axes: null, differencesOnly: true });
    expect(view.chart).toMatchObject({ smoothing: 0.6, axis: 'epoch' });
    expect(readCompareView('nonsense').runs).toEqual([]);
    expect(readCompareView(JSON.parse(JSON.stringify(view)))).toEqual(view);
  });

  it('chooses four metrics that say most, or what there is', () => {
    const present = (...metrics: ('dev/loss' | 'step/loss' | 'test/accuracy' | 'system/gpuWatts')[]) =>
      metrics.map((metric) => ({ metric, runs: 1, mostPoints: metric === 'test/accuracy' ? 1 : 9 }));
    expect(firstMetrics(present('dev/loss', 'step/loss', 'test/accuracy', 'system/gpuWatts'))).toEqual([
      'step/loss',
      'dev/loss',
    ]);
    expect(firstMetrics(present('test/accuracy'))).toEqual(['test/accuracy']);
    expect(firstMetrics(present('system/gpuWatts'))).toEqual(['system/gpuWatts']);
  });
});
