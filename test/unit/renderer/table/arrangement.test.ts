/** @file Tests. The lines of the runs table: order, groups, replicates, pins; and figures that hiding cannot change. */
import { describe, expect, it } from 'vitest';
import {
  arrangeTable,
  PLAIN_WISH,
  sortRows,
  type TableLine,
} from '../../../../renderer/table/arrangement.ts';
import { deltaTo } from '../../../../renderer/table/delta.ts';
import { measuredColumns, splitSettings } from '../../../../renderer/table/differing.ts';
import { parseFilter } from '../../../../renderer/table/filterText.ts';
import {
  commonCell,
  foldReplicates,
  groupRows,
  summaryOf,
  unfinishedOf,
} from '../../../../renderer/table/grouping.ts';
import { IndexedTable } from '../../../../renderer/table/indexedTable.ts';
import { manyRuns, tableOf } from '../../../support/runsTable.ts';

function run(id: string, seed: number, lr: number, accuracy: number | null, more: object = {}) {
  return {
    id,
    replicateKey: `lr ${lr}`,
    settings: { 'hyperparameters.lr': lr, 'hyperparameters.seed': seed, 'hyperparameters.epochs': 5 },
    metrics: accuracy === null ? {} : { 'test/accuracy': accuracy },
    ...more,
  };
}

const runs = new IndexedTable(
  tableOf([
    run('a0', 0, 1e-4, 0.8),
    run('b', 0, 1e-3, 0.4),
    run('a1', 1, 1e-4, 0.82),
    run('c', 0, 1e-5, null, { state: 'running' }),
    run('a2', 2, 1e-4, 0.84, { state: 'running' }),
    run('away', 0, 1, 0.1, { archived: true }),
  ]),
);
const all = [0, 1, 2, 3, 4];
const accuracy = (descending: boolean) => [{ key: 'test/accuracy', descending }];

function words(lines: readonly TableLine[]): string[] {
  return lines.map((line) => {
    const text =
      line.kind === 'run'
        ? runs.table.ids[line.row]!
        : `${line.kind} ${(line.kind === 'group' ? line.group.rows : line.rows).map((row) => runs.table.ids[row]).join(' ')}`;
    return '  '.repeat(line.depth) + text;
  });
}

describe('the lines', () => {
  it('fold replicates into one, newest first without an order, archived runs away', () => {
    const { lines, rows, total } = arrangeTable(runs, PLAIN_WISH, 0);
    expect(words(lines)).toEqual(['replicates a0 a1 a2', 'b', 'c']);
    expect(rows).toEqual([0, 2, 4, 1, 3]);
    expect(total).toBe(5);
    expect(arrangeTable(runs, { ...PLAIN_WISH, showArchived: true }, 0).total).toBe(6);
  });

  it('leave out failed runs where that is wished, and say how many there are all the same', () => {
    const some = new IndexedTable(tableOf([run('x', 0, 1, 0.5), run('y', 1, 1, null, { state: 'failed' })]));
    expect(arrangeTable(some, PLAIN_WISH, 0).rows).toEqual([0, 1]);
    expect(arrangeTable(some, { ...PLAIN_WISH, hideFailed: true }, 0)).toMatchObject({ rows: [0], total: 2 });
  });

  it('stand in the order of a metric, replicates by their mean, missing values last either way', () => {
    const wish = { ...PLAIN_WISH, sort: accuracy(false) };
    expect(words(arrangeTable(runs, wish, 0).lines)).toEqual(['b', 'replicates a0 a1 a2', 'c']);
    const falling = { ...PLAIN_WISH, sort: accuracy(true) };
    expect(words(arrangeTable(runs, falling, 0).lines)).toEqual(['replicates a0 a1 a2', 'b', 'c']);
  });

  it('open what is expanded, in the same order', () => {
    const wish = { ...PLAIN_WISH, sort: accuracy(true), expanded: new Set(['replicates lr 0.0001 ']) };
    expect(words(arrangeTable(runs, wish, 0).lines)).toEqual([
      'replicates a0 a1 a2',
      '  a2',
      '  a1',
      '  a0',
      'b',
      'c',
    ]);
  });

  it('group by any columns; a closed group still counts its runs', () => {
    const wish = { ...PLAIN_WISH, groupBy: ['state'], foldReplicates: false, sort: accuracy(true) };
    const closed = arrangeTable(runs, wish, 0);
    expect(words(closed.lines)).toEqual(['group c a2', 'group a0 b a1']);
    expect(closed.rows).toEqual([4, 3, 2, 0, 1]);
    const open = arrangeTable(runs, { ...wish, expanded: new Set([closed.lines[0]!.key]) }, 0);
    expect(words(open.lines)).toEqual(['group c a2', '  a2', '  c', 'group a0 b a1']);
  });

  it('keep pins on top whatever the filter', () => {
    const parsed = parseFilter('lr = 1e-3', runs.columns);
    if (!parsed.ok) throw new Error(parsed.message);
    const { pinned, lines } = arrangeTable(
      runs,
      { ...PLAIN_WISH, filter: parsed.filter, pinned: ['a0', 'gone'] },
      0,
    );
    expect(words(pinned)).toEqual(['a0']);
    expect(words(lines)).toEqual(['b']);
  });
});

describe('order', () => {
  it('takes digits in names as numbers, whatever the case, and breaks ties with the next key', () => {
    const names = ['lr10', 'LR9', 'lr9-b', 'failed', 'lr1'];
    const named = new IndexedTable(
      tableOf(names.map((name, at) => ({ id: String(at), name, metrics: { 'dev/loss': at < 3 ? 1 : 0 } }))),
    );
    const order = (sort: { key: string; descending: boolean }[]) =>
      sortRows(named, [0, 1, 2, 3, 4], sort).map((row) => names[row]);
    expect(order([{ key: 'name', descending: false }])).toEqual(['failed', 'lr1', 'LR9', 'lr9-b', 'lr10']);
    expect(
      order([
        { key: 'dev/loss', descending: true },
        { key: 'name', descending: true },
      ]),
    ).toEqual(['lr10', 'lr9-b', 'LR9', 'lr1', 'failed']);
  });

  it('is that of a life for states', () => {
    const states = new IndexedTable(
      tableOf((['failed', 'completed', 'queued', 'running'] as const).map((state) => ({ id: state, state }))),
    );
    expect(sortRows(states, [0, 1, 2, 3], [{ key: 'state', descending: false }])).toEqual([2, 3, 1, 0]);
  });
});

describe('groups', () => {
  it('tell mean and sample deviation over all members', () => {
    const summary = summaryOf(runs, [0, 2, 4], 'test/accuracy');
    expect(summary).toMatchObject({ count: 3, min: 0.8, max: 0.84 });
    expect(summary?.mean).toBeCloseTo(0.82, 12);
    expect(summary?.deviation).toBeCloseTo(0.02, 12);
    expect(summaryOf(runs, [1], 'test/accuracy')).toMatchObject({ count: 1, deviation: null });
    expect(summaryOf(runs, [3], 'test/accuracy')).toBeNull();
    expect(unfinishedOf(runs, [0, 2, 4])).toBe(1);
  });

  it('have the same figures whatever other runs are there, shown or filtered away', () => {
    const wish = { ...PLAIN_WISH, groupBy: ['hyperparameters.lr'] };
    const figures = (filter: string) => {
      const parsed = parseFilter(filter, runs.columns);
      if (!parsed.ok) throw new Error(parsed.message);
      const { lines } = arrangeTable(runs, { ...wish, filter: parsed.filter }, 0);
      const group = lines.find((line) => line.kind === 'group' && line.group.rows.includes(0));
      if (group?.kind !== 'group') throw new Error('the group is gone');
      return summaryOf(runs, group.group.rows, 'test/accuracy');
    };
    expect(figures('lr = 1e-4')).toEqual(figures(''));
    expect(figures('not name = b')).toEqual(figures(''));
  });

  it('count a seed once, by its newest run', () => {
    const twice = new IndexedTable(
      tableOf([run('new', 0, 1, 0.9), run('old', 0, 1, 0.1), run('other', 1, 1, 0.7)]),
    );
    expect(summaryOf(twice, [2, 1, 0], 'test/accuracy')).toMatchObject({ count: 2, min: 0.7, max: 0.9 });
    expect(foldReplicates(twice, [0, 1])).toHaveLength(2);
    expect(foldReplicates(twice, [0, 1, 2])).toEqual([{ key: 'lr 1', rows: [0, 1, 2], folded: true }]);
  });

  it('keep a value that is missing apart from every other', () => {
    const mixed = new IndexedTable(
      tableOf([
        { id: 'x', settings: { engine: 'null' } },
        { id: 'y' },
        { id: 'z', settings: { engine: 'null' } },
      ]),
    );
    expect(groupRows(mixed, [0, 1, 2], ['engine']).map(({ rows }) => rows)).toEqual([[0, 2], [1]]);
    expect(commonCell(mixed, [0, 2], 'engine')).toBe('null');
    expect(commonCell(mixed, [0, 1], 'engine')).toBeUndefined();
  });
});

describe('columns', () => {
  it('differ or do not among the runs at hand; a folded seed does not', () => {
    const keys = (split: ReturnType<typeof splitSettings>) => [
      split.differing.map(({ key }) => key.slice(16)),
      split.identical.map(({ key }) => key.slice(16)),
    ];
    expect(keys(splitSettings(runs, all, false))).toEqual([['lr', 'seed'], ['epochs']]);
    expect(keys(splitSettings(runs, all, true))).toEqual([['lr'], ['seed', 'epochs']]);
    expect(keys(splitSettings(runs, [0], false))[0]).toEqual([]);
    expect(measuredColumns(runs, [3])).toEqual([]);
    expect(measuredColumns(runs, all).map(({ name }) => name)).toEqual(['Test accuracy']);
  });

  it('tell a difference to the baseline with its direction', () => {
    expect(deltaTo(0.8, 0.75, 'higher')?.verdict).toBe('worse');
    expect(deltaTo(0.8, 0.75, 'lower')?.verdict).toBe('better');
    expect(deltaTo(0.8, 0.8, 'lower')).toEqual({ value: 0, verdict: 'same' });
    expect(deltaTo(1, 2, null)).toEqual({ value: 1, verdict: 'neither' });
    expect(deltaTo(null, 0.75, 'lower')).toBeNull();
    expect(deltaTo(Number.NaN, 0.75, 'lower')).toBeNull();
  });
});

describe('ten thousand runs', () => {
  it('lose none on their way through filter, groups, replicates and order', () => {
    const many = new IndexedTable(manyRuns(10_000, 30, 20));
    const sort = [{ key: 'dev/m3', descending: true }];
    const flat = arrangeTable(many, { ...PLAIN_WISH, foldReplicates: false, sort }, 0);
    expect(flat.lines).toHaveLength(10_000);
    const read = many.reader('dev/m3');
    expect(
      flat.rows.every((row, at) => at === 0 || Number(read(flat.rows[at - 1]!)) >= Number(read(row))),
    ).toBe(true);
    const folded = arrangeTable(many, { ...PLAIN_WISH, sort, groupBy: ['hyperparameters.k1'] }, 0);
    expect(new Set(folded.rows).size).toBe(10_000);
    expect(arrangeTable(many, { ...PLAIN_WISH, sort }, 0).lines).toHaveLength(2500);
  });
});
