/**
 * @file Node. Mean curves over groups of runs, from every point of every run: what other groups show or hide cannot
 * change them. Only afterwards are neighbouring steps merged for drawing.
 */
import type { GroupLine, Spread } from '../../shared/contract/series.ts';
import type { MetricName } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { readTogether } from './connection.ts';
import { metricKeys, tableOf } from './metricKeys.ts';
import { runKey } from './runKey.ts';

export interface GroupRequest {
  readonly metric: MetricName;
  readonly axis: 'step' | 'epoch';
  readonly spread: Spread;
  readonly buckets: number;
}

/** Over the runs of a group at one step. */
interface StepRow {
  readonly x: number;
  readonly runs: number;
  readonly mean: number;
  readonly lowest: number;
  readonly highest: number;
  /** Sum of squared distances from the mean. */
  readonly squares: number;
}

/** A group's mean and spread at every step at which at least one of its runs has a number. Throws NOT_FOUND. */
export function groupLine(
  database: StudioReader,
  group: { readonly key: string; readonly runs: readonly string[] },
  { metric, axis, spread, buckets }: GroupRequest,
): GroupLine {
  return readTogether(database, () => {
    const id = metricKeys(database).get(metric);
    const runs = group.runs.map((run) => runKey(database, run));
    const rows = id === undefined ? [] : stepRows(database, { runs, id, axis, table: tableOf(metric) });
    const merged = mergedRows(rows, buckets);
    const low = merged.map((row) => row.mean - reach(row, spread, 'low'));
    const high = merged.map((row) => row.mean + reach(row, spread, 'high'));
    return {
      key: group.key,
      x: merged.map(({ x }) => x),
      mean: merged.map(({ mean }) => mean),
      ...{ low, high },
      runs: merged.map((row) => row.runs),
    };
  });
}

interface Selection {
  readonly runs: readonly number[];
  readonly id: number;
  readonly axis: 'step' | 'epoch';
  readonly table: string;
}

/** By Welford's method (1962), because the textbook formula loses small spreads of large numbers. */
function stepRows(database: StudioReader, { runs, id, axis, table }: Selection): StepRow[] {
  const select = database.connection
    .prepare<[number, number], [number, number | null]>(
      `SELECT ${axis}, value FROM ${table} WHERE run = ? AND metric = ? ORDER BY step`,
    )
    .raw();
  const rows = new Map<number, { -readonly [Key in keyof StepRow]: StepRow[Key] }>();
  for (const run of runs) {
    for (const [x, value] of select.iterate(run, id) as IterableIterator<[number, number | null]>) {
      if (value === null) continue;
      const row = rows.get(x);
      if (row === undefined) {
        rows.set(x, { x, runs: 1, mean: value, lowest: value, highest: value, squares: 0 });
        continue;
      }
      row.runs++;
      const distance = value - row.mean;
      row.mean += distance / row.runs;
      row.squares += distance * (value - row.mean);
      row.lowest = Math.min(row.lowest, value);
      row.highest = Math.max(row.highest, value);
    }
  }
  return [...rows.values()].sort((one, other) => one.x - other.x);
}

/** Neighbouring steps as one: means of means and of squares, the widest range. */
function mergedRows(rows: readonly StepRow[], most: number): StepRow[] {
  const size = Math.ceil(rows.length / most);
  if (size <= 1) return [...rows];
  const merged: StepRow[] = [];
  for (let from = 0; from < rows.length; from += size) {
    const members = rows.slice(from, from + size);
    const average = (figure: (row: StepRow) => number) =>
      members.reduce((sum, row) => sum + figure(row), 0) / members.length;
    merged.push({
      x: members.at(-1)!.x,
      runs: Math.max(...members.map((row) => row.runs)),
      mean: average((row) => row.mean),
      lowest: Math.min(...members.map((row) => row.lowest)),
      highest: Math.max(...members.map((row) => row.highest)),
      squares: average((row) => row.squares),
    });
  }
  return merged;
}

/** Distance from the mean to an edge of the band; with one run there is no deviation. */
function reach(
  { runs, mean, lowest, highest, squares }: StepRow,
  spread: Spread,
  edge: 'low' | 'high',
): number {
  if (spread === 'none') return 0;
  if (spread === 'minmax') return edge === 'low' ? mean - lowest : highest - mean;
  const deviation = runs < 2 ? 0 : Math.sqrt(squares / (runs - 1));
  return spread === 'std' ? deviation : deviation / Math.sqrt(runs);
}
