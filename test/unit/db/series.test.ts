/** @file Tests. Curves for charts: no spike is lost, a resumed run replaces what it computes again, groups keep their figures. */
import { describe, expect, it } from 'vitest';
import { figuresOfRuns } from '../../../main/db/figures.ts';
import { groupLine } from '../../../main/db/groupSeries.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { runKey } from '../../../main/db/runKey.ts';
import { seriesLine } from '../../../main/db/series.ts';
import type { MetricPoint } from '../../../shared/runs.ts';
import { startedReport } from '../../support/sampleRun.ts';
import { claimedRun, openStudio } from '../../support/studioFile.ts';

const whole = { metric: 'step/loss', axis: 'step', range: null, buckets: 100, affordablePoints: 0 } as const;
const point = (step: number, value: number): MetricPoint => ({
  ...{ metric: 'step/loss', step, value, epoch: step / 1000, atMs: 1e12 + step * 10 },
});
const points = (from: number, to: number, value: (step: number) => number) =>
  Array.from({ length: to - from + 1 }, (_, at) => point(from + at, value(from + at)));

function runWith(database: ReturnType<typeof openStudio>, some: readonly MetricPoint[]): string {
  const run = claimedRun(database);
  // In flushes, as a worker reports.
  for (let at = 0; at < some.length; at += 37)
    appendReports(database, run, [{ kind: 'metrics', points: some.slice(at, at + 37) }]);
  return run;
}

describe('a curve', () => {
  it('of few points is sent as it was measured, not-a-number as null', () => {
    const database = openStudio();
    const run = runWith(database, [point(1, 2), point(2, Number.NaN), point(3, 1)]);
    expect(seriesLine(database, run, whole)).toMatchObject({
      kind: 'raw',
      x: [1, 2, 3],
      y: [2, null, 1],
      total: 3,
      cursor: 3,
    });
    expect(seriesLine(database, run, { ...whole, metric: 'dev/loss' })).toBeNull();
  });

  it('of the machine, sampled twice in one long step, is whole, and goes on from its last moment', () => {
    const database = openStudio();
    const sample = (atMs: number) => ({ ...point(7, atMs), metric: 'system/memoryBytes', atMs }) as const;
    const run = runWith(database, [sample(1000), sample(6000)]);
    const line = seriesLine(database, run, { ...whole, metric: 'system/memoryBytes' });
    expect(line).toMatchObject({ x: [7, 7], y: [1000, 6000], cursor: 6000 });
  });

  it('of many points keeps every spike, its mean and its last value', () => {
    const database = openStudio();
    const spikes = new Map([
      [777, 99],
      [5001, -50],
      [8191, 42],
    ]);
    const run = runWith(
      database,
      points(1, 10_000, (step) => spikes.get(step) ?? step / 1e4),
    );
    const line = seriesLine(database, run, whole)!;
    expect(line.kind).toBe('buckets');
    if (line.kind !== 'buckets') return;
    expect(line.x.length).toBeLessThanOrEqual(100);
    for (const spike of [99, 42]) expect(line.max).toContain(spike);
    expect(line.min).toContain(-50);
    expect(line.count.reduce((sum, count) => sum + count, 0)).toBe(10_000);
    expect(line.x.at(-1)).toBe(10_000);
    expect(line.last.at(-1)).toBe(1);
  });

  it('is sent point by point where few are in view, on each axis', () => {
    const database = openStudio();
    const run = runWith(
      database,
      points(1, 10_000, (step) => step),
    );
    const steps = seriesLine(database, run, { ...whole, range: { from: 4000, to: 4100 } });
    expect(steps).toMatchObject({ kind: 'raw', total: 10_000, xExtent: [1, 10_000] });
    expect(steps?.x).toEqual(Array.from({ length: 101 }, (_, at) => 4000 + at));
    const epochs = seriesLine(database, run, { ...whole, axis: 'epoch', range: { from: 4, to: 4.05 } });
    expect(epochs?.x[0]).toBe(4);
    const seconds = seriesLine(database, run, { ...whole, axis: 'relative', range: { from: 0, to: 1 } });
    expect(seconds?.x.length).toBe(101);
  });

  it('is made of its points, if these can be had, where blocks would be coarser than what is asked for', () => {
    const database = openStudio();
    const run = runWith(
      database,
      points(1, 10_000, (step) => Math.sin(step)),
    );
    const affordable = { ...whole, affordablePoints: 20_000 };
    expect(seriesLine(database, run, { ...affordable, buckets: 1000 })?.x).toHaveLength(1000);
    const { buckets } = whole;
    expect(seriesLine(database, run, { ...affordable, buckets })).toEqual(seriesLine(database, run, whole));
  });

  it('ends where a resumed run goes on, and is the same as if it had never been further', () => {
    const database = openStudio();
    const again = runWith(
      database,
      points(1, 9000, (step) => step),
    );
    appendReports(database, again, [startedReport(5000)]);
    appendReports(database, again, [{ kind: 'metrics', points: points(5001, 6000, (step) => -step) }]);
    const once = runWith(
      database,
      points(1, 6000, (step) => (step > 5000 ? -step : step)),
    );
    const { run: _, ...expected } = seriesLine(database, once, whole)!;
    const { run: __, ...found } = seriesLine(database, again, whole)!;
    expect(found).toEqual(expected);
    const figure = figuresOfRuns(database, [runKey(database, again)]).get(runKey(database, again))?.[
      'step/loss'
    ];
    expect(figure).toEqual({ step: 6000, last: -6000, lowest: -6000, highest: 5000 });
  });

  it('that goes on is told anew, though it was asked for before', () => {
    const database = openStudio();
    const curve = points(1, 10_000, (step) => step);
    const run = runWith(database, curve.slice(0, 9000));
    const before = seriesLine(database, run, whole)!;
    expect(seriesLine(database, run, whole)).toEqual(before);
    appendReports(database, run, [{ kind: 'metrics', points: curve.slice(9000) }]);
    expect(seriesLine(database, run, whole)).toMatchObject({ total: 10_000, cursor: 10_000 });
    expect(seriesLine(database, run, { ...whole, buckets: 7 })).not.toEqual(seriesLine(database, run, whole));
  });

  it('that was altered is not shown', () => {
    const database = openStudio();
    const run = runWith(
      database,
      points(1, 10_000, (step) => step),
    );
    database.connection.prepare('UPDATE metric_blocks SET highest = 1e6 WHERE level = 0 AND block = 3').run();
    expect(() => seriesLine(database, run, whole)).toThrow(/is damaged/);
  });
});

describe('a group of runs', () => {
  it('has the mean and the sample deviation of all its points, whatever other groups there are', () => {
    const database = openStudio();
    const runs = [1, 2, 3].map((factor) =>
      runWith(
        database,
        points(1, 50, (step) => step * factor),
      ),
    );
    const other = runWith(
      database,
      points(1, 50, () => 1e9),
    );
    const request = { metric: 'step/loss', axis: 'step', spread: 'std', buckets: 100 } as const;
    const line = groupLine(database, { key: 'a', runs }, request);
    expect(line.x).toHaveLength(50);
    expect(line.mean[9]).toBeCloseTo(20, 9);
    expect(line.high[9]! - line.mean[9]!).toBeCloseTo(10, 9);
    expect(line.runs[9]).toBe(3);
    groupLine(database, { key: 'b', runs: [other] }, request);
    expect(groupLine(database, { key: 'a', runs }, request)).toEqual(line);
    expect(groupLine(database, { key: 'b', runs: [other] }, request).low[0]).toBe(1e9);
  });
});
