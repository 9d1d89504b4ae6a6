/** @file Tests. Curves without a canvas: buffers that keep every spike, smoothing, paths, values at the cursor. */
import { describe, expect, it } from 'vitest';
import { curveAt, inOrder, valuesAt } from '../../../../renderer/charts/cursorValues.ts';
import {
  type DrawnLine,
  traceBand,
  tracePoints,
  traceValues,
} from '../../../../renderer/charts/drawnLine.ts';
import { firstAtOrAfter, LineBuffer, nearestEntry } from '../../../../renderer/charts/lineBuffer.ts';
import { smooth, smoothingStateAt } from '../../../../renderer/charts/smoothing.ts';
import type { SeriesLine } from '../../../../shared/contract/series.ts';

function rawLine(values: readonly (number | null)[], firstStep = 1): SeriesLine {
  return {
    run: 'a',
    kind: 'raw',
    x: values.map((_, at) => firstStep + at),
    y: values,
    total: values.length,
    cursor: firstStep + values.length - 1,
    xExtent: values.length === 0 ? null : [firstStep, firstStep + values.length - 1],
  };
}

/** What the studio sends for `values` in buckets of `size`. */
function bucketLine(values: readonly number[], size: number): SeriesLine {
  const buckets = Array.from({ length: Math.ceil(values.length / size) }, (_, at) =>
    values.slice(at * size, (at + 1) * size),
  );
  return {
    run: 'a',
    kind: 'buckets',
    x: buckets.map((_, at) => Math.min(values.length, (at + 1) * size)),
    min: buckets.map((bucket) => Math.min(...bucket)),
    max: buckets.map((bucket) => Math.max(...bucket)),
    mean: buckets.map((bucket) => bucket.reduce((sum, value) => sum + value, 0) / bucket.length),
    last: buckets.map((bucket) => bucket.at(-1)!),
    count: buckets.map(({ length }) => length),
    total: values.length,
    cursor: values.length,
    xExtent: [1, values.length],
  };
}

function lineOf(buffer: LineBuffer, more: Partial<DrawnLine> = {}): DrawnLine {
  return {
    key: 'a',
    name: 'a',
    colour: 0,
    dash: 0,
    baseline: false,
    points: buffer,
    smoothed: null,
    band: null,
    gaps: [],
    ...more,
  };
}

function traced(
  trace: (sink: { moveTo(x: number, y: number): void; lineTo(x: number, y: number): void }) => void,
) {
  const commands: string[] = [];
  trace({
    moveTo: (x, y) => commands.push(`M${x},${y}`),
    lineTo: (x, y) => commands.push(`L${x},${y}`),
  });
  return commands.join(' ');
}

const asIs = { toX: (x: number) => x, toY: (y: number) => y, visible: null };
const noise = (at: number) => Math.sin(at * 12.9898) * 0.5 + Math.sin(at * 0.01);

describe('a line buffer', () => {
  it('takes live points once each, in order', () => {
    const buffer = new LineBuffer(rawLine([1, null, 3]));
    expect([...buffer.last.subarray(0, 3)]).toEqual([1, Number.NaN, 3]);
    expect(buffer.append(3, 99, 3)).toBe(false);
    expect(buffer.append(4, 4, 4)).toBe(true);
    expect(buffer.append(4, 4, 4)).toBe(false);
    expect([buffer.length, buffer.total, buffer.last[3]]).toEqual([4, 4, 4]);
  });

  it('never grows beyond its room, and keeps every spike, the mean and the number of points', () => {
    const values = Array.from({ length: 100_000 }, (_, at) => noise(at));
    values[31_337] = 40;
    values[77_777] = -40;
    const buffer = new LineBuffer(rawLine(values.slice(0, 1900)));
    const capacity = buffer.x.length;
    for (let at = 1900; at < values.length; at++) buffer.append(at + 1, values[at]!, at + 1);
    expect(buffer.x).toHaveLength(capacity);
    expect(buffer.length).toBeGreaterThan(capacity / 3);
    expect(buffer.total).toBe(values.length);
    const of = (array: Float64Array) => [...array.subarray(0, buffer.length)];
    expect(Math.max(...of(buffer.max))).toBe(40);
    expect(Math.min(...of(buffer.min))).toBe(-40);
    expect(of(buffer.count).reduce((sum, count) => sum + count, 0)).toBe(values.length);
    const mean =
      of(buffer.mean).reduce((sum, value, at) => sum + value * buffer.count[at]!, 0) / values.length;
    expect(mean).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / values.length, 9);
    expect(of(buffer.x)).toEqual(of(buffer.x).toSorted((one, other) => one - other));
    expect(buffer.x[buffer.length - 1]).toBe(values.length);
  });

  it('goes on filling the last bucket that the studio sent', () => {
    const buffer = new LineBuffer(bucketLine([1, 2, 3, 4, 5, 6, 7], 3));
    expect([...buffer.count.subarray(0, 3)]).toEqual([3, 3, 1]);
    buffer.append(8, 100, 8);
    buffer.append(9, -100, 9);
    expect([buffer.length, buffer.max[2], buffer.min[2], buffer.last[2]]).toEqual([3, 100, -100, -100]);
    buffer.append(10, 1, 10);
    expect(buffer.length).toBe(4);
  });

  it('lets a value that is no number hide nothing beside it', () => {
    const buffer = new LineBuffer(bucketLine([1, 1, 1, 1], 4));
    buffer.append(5, Number.NaN, 5);
    buffer.append(6, 5, 6);
    expect([buffer.min[1], buffer.max[1], buffer.mean[1]]).toEqual([5, 5, 5]);
  });

  it('finds entries by x', () => {
    const buffer = new LineBuffer(rawLine([1, 2, 3, 4], 10));
    expect([9, 10, 10.4, 10.6, 13, 99].map((x) => nearestEntry(buffer, x))).toEqual([0, 0, 0, 1, 3, 3]);
    expect([9, 11, 11.5, 99].map((x) => firstAtOrAfter(buffer, x))).toEqual([0, 1, 2, 4]);
    expect(nearestEntry(new LineBuffer(rawLine([])), 3)).toBeNull();
  });
});

describe('smoothing', () => {
  it('has no bias at the start, follows the formula, and leaves gaps as they are', () => {
    const smoothed = smooth(new LineBuffer(rawLine([2, 4, null, 4])), 0.5);
    expect(smoothed[0]).toBe(2);
    expect(smoothed[1]).toBeCloseTo((2 * 0.25 + 4 * 0.5) / 0.75, 12);
    expect(smoothed[2]).toBeNaN();
    expect(smoothed[3]).toBeCloseTo((2 * 0.125 + 4 * 0.25 + 4 * 0.5) / 0.875, 12);
    expect([...smooth(new LineBuffer(rawLine([2, 4, 7])), 0)]).toEqual([2, 4, 7]);
  });

  it('of buckets weighs them by their points: constant parts smooth as they would point by point', () => {
    const steps = [...Array(40).fill(1), ...Array(40).fill(3)] as number[];
    const whole = smooth(new LineBuffer(rawLine(steps)), 0.9);
    const buckets = smooth(new LineBuffer(bucketLine(steps, 8)), 0.9);
    for (let at = 0; at < 10; at++) expect(buckets[at]).toBeCloseTo(whole[at * 8 + 7]!, 12);
  });

  it('is the same in a zoomed part as in the whole', () => {
    const values = Array.from({ length: 200 }, (_, at) => noise(at));
    const whole = new LineBuffer(rawLine(values));
    const part = new LineBuffer(rawLine(values.slice(120, 160), 121));
    const smoothed = smooth(part, 0.95, smoothingStateAt(whole, 0.95, 121));
    expect(smoothed[0]).toBeCloseTo(smooth(whole, 0.95)[120]!, 12);
    expect(smoothed[39]).toBeCloseTo(smooth(whole, 0.95)[159]!, 12);
  });
});

describe('a path', () => {
  it('goes through every point and is lifted where a value is no number', () => {
    expect(traced((sink) => tracePoints(lineOf(new LineBuffer(rawLine([5, 6, null, 8]))), asIs, sink))).toBe(
      'M1,5 L2,6 M4,8',
    );
  });

  it('of a bucket goes through its least, its greatest and its last value', () => {
    const values = Array(3000).fill(1) as number[];
    values[1501] = 50;
    const path = traced((sink) => tracePoints(lineOf(new LineBuffer(bucketLine(values, 100))), asIs, sink));
    expect(path).toContain('L1600,50');
    expect(path).toContain('L1600,1');
  });

  it('is interrupted where a run was resumed', () => {
    const line = lineOf(new LineBuffer(rawLine([5, 6, 7, 8])), { gaps: [2] });
    expect(traced((sink) => tracePoints(line, asIs, sink))).toBe('M1,5 L2,6 M3,7 L4,8');
    expect(traced((sink) => traceValues(line, Float64Array.of(1, 1, 1, 1), asIs, sink))).toBe(
      'M1,1 L2,1 M3,1 L4,1',
    );
  });

  it('is only as long as what is in view, with one point on either side', () => {
    const placing = { ...asIs, visible: { from: 4.5, to: 6.5 } };
    expect(
      traced((sink) =>
        tracePoints(lineOf(new LineBuffer(rawLine([1, 2, 3, 4, 5, 6, 7, 8, 9]))), placing, sink),
      ),
    ).toBe('M4,4 L5,5 L6,6 L7,7');
  });

  it('of a band goes out along its top and back along its bottom', () => {
    const band = { low: Float64Array.of(0, 1), high: Float64Array.of(2, 3) };
    expect(traced((sink) => traceBand(lineOf(new LineBuffer(rawLine([1, 2])), { band }), asIs, sink))).toBe(
      'M1,2 L2,3 L2,1 L1,0',
    );
  });
});

describe('values at the cursor', () => {
  const lines = [
    lineOf(new LineBuffer(rawLine([0.1, 0.2, 0.3])), { key: 'short', name: 'short' }),
    lineOf(new LineBuffer(rawLine([0.9, 0.8, 0.7, 0.6, 0.5])), {
      key: 'long',
      name: 'long',
      smoothed: Float64Array.of(1, 1, 1, 1, 1),
    }),
    lineOf(new LineBuffer(rawLine([0.5, 0.5, null, 0.5, 0.5])), { key: 'nan', name: 'nan' }),
  ];
  const names = (values: readonly { key: string }[]) => values.map(({ key }) => key);

  it('come from curves that reach so far', () => {
    expect(names(valuesAt(lines, 3, 0.5))).toEqual(['short', 'long', 'nan']);
    expect(names(valuesAt(lines, 5, 0.5))).toEqual(['long', 'nan']);
    expect(valuesAt(lines, 2.2, 0.5)[1]).toMatchObject({ x: 2, value: 0.8, smoothed: 1, count: 1 });
  });

  it('belong to the curve that the pointer is near, a spike beside it included', () => {
    const spiky = Array.from({ length: 100 }, (_, at) => (at === 50 ? 10 : 1));
    const curves = [
      lineOf(new LineBuffer(rawLine(Array(100).fill(0) as number[])), { key: 'flat' }),
      lineOf(new LineBuffer(rawLine(spiky)), { key: 'spiky' }),
    ];
    const reach = { width: 2, height: 0.5 };
    expect(curveAt(curves, { x: 49.4, y: 9.8 }, reach)).toEqual({ key: 'spiky', x: 51 });
    expect(curveAt(curves, { x: 20.2, y: 0.1 }, reach)).toEqual({ key: 'flat', x: 20 });
    expect(curveAt(curves, { x: 20, y: 5 }, reach)).toBeNull();
    expect(curveAt(curves, { x: 300, y: 0 }, reach)).toBeNull();
  });

  it('stand by height, or by distance from the pointer; what is no number comes last', () => {
    const values = valuesAt(lines, 3, 0.5);
    expect(names(inOrder(values, 'descending', null))).toEqual(['long', 'short', 'nan']);
    expect(names(inOrder(values, 'ascending', null))).toEqual(['short', 'long', 'nan']);
    expect(names(inOrder(values, 'nearest', 0.95))).toEqual(['long', 'short', 'nan']);
    expect(names(inOrder(values, 'nearest', 0.2))).toEqual(['short', 'long', 'nan']);
    expect(names(inOrder(values, 'asDrawn', null))).toEqual(['short', 'long', 'nan']);
  });
});
