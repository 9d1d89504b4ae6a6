/** @file Tests. Ranges, ticks, colours by field, parallel axes, and how many runs are drawn. */
import { describe, expect, it } from 'vitest';
import { encodeRuns, PLAIN_ENCODING } from '../../../../renderer/charts/encoding.ts';
import { LineBuffer } from '../../../../renderer/charts/lineBuffer.ts';
import { brushed, gradientShares, moved, parallelAxes } from '../../../../renderer/charts/parallelAxes.ts';
import {
  horizontalRange,
  linearTicks,
  logTicks,
  placer,
  ticksOf,
  tickText,
  timeTicks,
  valueRange,
} from '../../../../renderer/charts/scales.ts';
import { chooseShown } from '../../../../renderer/charts/shownRuns.ts';
import { IndexedTable } from '../../../../renderer/table/indexedTable.ts';
import { tableOf } from '../../../support/runsTable.ts';

function pointsOf(values: readonly (number | null)[]): LineBuffer {
  return new LineBuffer({
    run: 'a',
    kind: 'raw',
    x: values.map((_, at) => at),
    y: values,
    total: values.length,
    cursor: values.length,
    xExtent: null,
  });
}

describe('the range of values', () => {
  const spiky = [
    { points: pointsOf([...Array.from({ length: 1000 }, (_, at) => at / 1000), 500]), smoothed: null },
  ];
  const whole = { visible: null, ignoreOutliers: false, log: false };

  it('holds every value, with air; a spike stretches it unless outliers are ignored', () => {
    expect(valueRange(spiky, whole).to).toBeGreaterThan(500);
    const calm = valueRange(spiky, { ...whole, ignoreOutliers: true });
    expect(calm.to).toBeLessThan(1.1);
    expect(calm.from).toBeGreaterThan(-0.1);
  });

  it('is that of what is in view', () => {
    expect(valueRange(spiky, { ...whole, visible: { from: 0, to: 100 } }).to).toBeCloseTo(0.105, 6);
  });

  it('of a logarithmic axis leaves out what is not above 0; without values it is there all the same', () => {
    const { from, to } = valueRange([{ points: pointsOf([-1, 0, null, 0.01, 10]), smoothed: null }], {
      ...whole,
      log: true,
    });
    expect(from).toBeGreaterThan(0.005);
    expect(to).toBeLessThan(20);
    for (const log of [true, false]) {
      const empty = valueRange([{ points: pointsOf([null]), smoothed: null }], { ...whole, log });
      expect(empty.to).toBeGreaterThan(empty.from);
    }
    expect(valueRange([{ points: pointsOf([3, 3]), smoothed: null }], whole)).toEqual({ from: 2.7, to: 3.3 });
  });

  it('along x begins and ends with the points', () => {
    expect(horizontalRange([pointsOf([1, 2, 3]), pointsOf([1])], false)).toEqual({ from: 0, to: 2 });
    expect(horizontalRange([pointsOf([1, 2, 3])], true)).toEqual({ from: 1, to: 2 });
    expect(horizontalRange([pointsOf([])], false)).toBeNull();
    expect(horizontalRange([pointsOf([1])], false)).toEqual({ from: -0.5, to: 0.5 });
  });
});

describe('ticks', () => {
  it.each([
    [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [0.31, 0.92, 4, [0.4, 0.6, 0.8]],
    [-3, 12, 4, [0, 5, 10]],
    [0, 20_000, 4, [0, 5000, 10_000, 15_000, 20_000]],
  ])('from %d to %d are round', (from, to, about, ticks) => {
    expect(linearTicks({ from, to }, about)).toEqual(ticks);
  });

  it('of a logarithmic axis are powers of ten', () => {
    expect(logTicks({ from: 1e-5, to: 1 }, 5)).toEqual([1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]);
    expect(logTicks({ from: 0.2, to: 3 }, 5)).toEqual([0.2, 0.5, 1, 2]);
    expect(logTicks({ from: 1e-12, to: 1 }, 5).length).toBeLessThan(7);
  });

  it('of steps are whole', () => {
    expect(ticksOf('whole', { from: 704.5, to: 705.5 }, 4)).toEqual([705]);
    expect(ticksOf('whole', { from: 0, to: 3 }, 6)).toEqual([0, 1, 2, 3]);
  });

  it('of time are whole minutes or hours', () => {
    const from = new Date(2026, 3, 1, 9, 50).getTime();
    const ticks = timeTicks({ from, to: from + 3_600_000 }, 4);
    expect(ticks.map((tick) => new Date(tick).getMinutes())).toEqual([0, 15, 30, 45]);
    expect(tickText('time', ticks[0]!, { from, to: from + 3_600_000 })).toBe('10:00');
  });

  it('say numbers as their axis needs them', () => {
    const range = { from: 0, to: 40_000 };
    expect(tickText('linear', 20_000, range)).toBe('20k');
    expect(tickText('percent', 0.805, { from: 0, to: 1 })).toBe('80.5');
    expect(tickText('seconds', 7200, range)).toBe('2 h');
    expect(tickText('log', 1e-4, range)).toBe('1e-4');
  });

  it('lie where values lie', () => {
    expect(placer({ from: 1, to: 100 }, true, [0, 200])(10)).toBeCloseTo(100, 9);
    expect(placer({ from: 0, to: 10 }, false, [100, 0])(2.5)).toBe(75);
  });
});

const runs = new IndexedTable(
  tableOf([
    { id: 'a', settings: { lr: 1e-3, schedule: 'cosine', epochs: 5 }, metrics: { 'test/accuracy': 0.5 } },
    { id: 'b', settings: { lr: 1e-5, schedule: 'linear', epochs: 5 }, metrics: { 'test/accuracy': 0.9 } },
    { id: 'c', settings: { lr: 1e-4, schedule: 'cosine', epochs: 5 } },
    { id: 'd', settings: { schedule: 'cosine', epochs: 5 }, metrics: { 'test/accuracy': 0.7 } },
  ]),
);
const rows = [0, 1, 2, 3];

describe('colour and line style', () => {
  it('are the run’s own without a wish', () => {
    const { ofRow, colours, charts } = encodeRuns(runs, rows, PLAIN_ENCODING);
    expect(rows.map((row) => ofRow.get(row)?.colour)).toEqual([0, 1, 2, 3]);
    expect(colours).toEqual([]);
    expect(charts).toEqual([{ name: '', rows }]);
  });

  it('follow any fields, in the order of their values, missing ones last', () => {
    const { ofRow, colours, strokes, charts } = encodeRuns(runs, rows, {
      colourBy: ['lr'],
      strokeBy: ['schedule'],
      divideBy: ['epochs', 'schedule'],
    });
    expect(colours.map(({ name }) => name)).toEqual(['Lr 1e-5', 'Lr 1e-4', 'Lr 0.001', 'Lr –']);
    expect(rows.map((row) => ofRow.get(row)?.colour)).toEqual([2, 0, 1, 3]);
    expect(strokes.map(({ name, dash }) => [name, dash])).toEqual([
      ['Schedule cosine', 0],
      ['Schedule linear', 1],
    ]);
    expect(charts.map(({ name, rows: members }) => [name, members])).toEqual([
      ['Epochs 5 · Schedule cosine', [0, 2, 3]],
      ['Epochs 5 · Schedule linear', [1]],
    ]);
  });

  it('of a value stay when other runs go', () => {
    const wish = { ...PLAIN_ENCODING, colourBy: ['schedule'] };
    expect(encodeRuns(runs, [0, 1], wish).ofRow.get(0)).toEqual(encodeRuns(runs, rows, wish).ofRow.get(0));
  });
});

describe('parallel axes', () => {
  const wish = (key: string, more: object = {}) => ({
    key,
    log: false,
    flipped: false,
    brush: null,
    ...more,
  });

  it('hide what is constant, place numbers and words, and flip', () => {
    const axes = parallelAxes(runs, rows, {
      axes: [
        wish('lr', { log: true }),
        wish('epochs'),
        wish('schedule'),
        wish('test/accuracy', { flipped: true }),
      ],
      keepConstant: false,
    });
    expect(axes.map(({ column }) => column.key)).toEqual(['lr', 'schedule', 'test/accuracy']);
    expect([...axes[0]!.places].map((place) => Number(place.toFixed(6)))).toEqual([1, 0, 0.5, Number.NaN]);
    expect([...axes[1]!.places]).toEqual([0.06, 0.94, 0.06, 0.06]);
    expect([...axes[2]!.places].slice(0, 2)).toEqual([1, 0]);
    expect(axes[0]!.ticks.map(({ text }) => text)).toEqual(['1e-5', '1e-4', '0.001']);
    expect(axes[1]!.canBeLog).toBe(false);
    expect(
      parallelAxes(runs, rows, { axes: [wish('epochs'), wish('gone')], keepConstant: true }),
    ).toHaveLength(1);
  });

  it('let through what every brush holds', () => {
    const axes = parallelAxes(runs, rows, {
      axes: [wish('lr', { log: true, brush: [0.4, 1] }), wish('schedule', { brush: [0, 0.5] })],
      keepConstant: false,
    });
    expect(brushed(axes, rows.length)).toEqual([0, 2]);
  });

  it('colour by the share between least and greatest, and move', () => {
    expect(gradientShares([0.5, 0.9, null, 0.7])).toEqual([0, 1, null, expect.closeTo(0.5, 9)]);
    expect(gradientShares([2, 2])).toEqual([0.5, 0.5]);
    expect(moved(['a', 'b', 'c'], 0, 1)).toEqual(['b', 'a', 'c']);
    expect(moved(['a', 'b', 'c'], 2, 5)).toEqual(['a', 'b', 'c']);
    expect(moved(['a', 'b', 'c'], 2, -5)).toEqual(['c', 'a', 'b']);
  });
});

describe('the runs drawn', () => {
  const many = Array.from({ length: 30 }, (_, at) => at);

  it('are ten at first, with a notice that offers the others', () => {
    const { shown, notice } = chooseShown(many, 10);
    expect(shown).toEqual(many.slice(0, 10));
    expect(notice).toEqual({ text: '10 of 30 runs shown', choices: [10, 20, 'all'] });
    expect(chooseShown(many, 'all').shown).toHaveLength(30);
    expect(chooseShown(many.slice(0, 10), 10).notice).toBeNull();
    expect(chooseShown(many.slice(0, 15), 10).notice?.choices).toEqual([10, 'all']);
  });

  it('hold the baseline wherever it stands', () => {
    const { shown } = chooseShown(many, 10, (run) => run === 25);
    expect(shown).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 25]);
  });
});
