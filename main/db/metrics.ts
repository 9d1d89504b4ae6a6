/** @file Node. Metrics: typed rows, one a run, metric and step; system metrics one a run, metric and moment. */
import type Database from 'better-sqlite3';
import type { MetricName, MetricPoint } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { read } from './connection.ts';
import { addToFigures, rebuildFigures } from './figures.ts';
import { addToBlocks, rebuildBlocks } from './metricBlocks.ts';
import { axisOf, makeMetricKey, metricKeys, tableOf } from './metricKeys.ts';
import type { NumbersChecksum } from './rowChecksum.ts';
import { numbersChecksum } from './rowChecksum.ts';
import { runKey } from './runKey.ts';
import { altered } from './sqliteErrors.ts';

/** One curve, point by point in order; all arrays are of the same length. */
export interface MetricSeries {
  /** Optimizer steps done. */
  readonly steps: Int32Array;
  readonly epochs: Float64Array;
  /** NaN where the value was not a number. */
  readonly values: Float64Array;
  /** Milliseconds since 1970. */
  readonly atMs: Float64Array;
}

/** New points of a curve, and what to pass next time. */
export interface MetricTail {
  readonly series: MetricSeries;
  readonly cursor: number;
}

/** Numbers in a row's checksum: run, metric, step, epoch, atMs, value. */
const CHECKED = 6;

/** [step, epoch, atMs, value, crc] */
type PointRow = [number, number, number, number | null, number];

/** A whole curve; empty when nothing was measured. Throws NOT_FOUND, DATABASE_CORRUPT when a figure was altered. */
export function metricSeries(database: StudioReader, runId: string, metric: MetricName): MetricSeries {
  return metricTail(database, runId, metric, null).series;
}

/**
 * The points of a curve after `cursor` (null: from the start). The cursor is a step, for system metrics a moment.
 * When a run is resumed, points after the resumed step are replaced: start again from null then.
 */
export function metricTail(
  database: StudioReader,
  runId: string,
  metric: MetricName,
  cursor: number | null,
): MetricTail {
  return read(database, () => {
    const run = runKey(database, runId);
    const id = metricKeys(database).get(metric);
    if (id === undefined) return { series: seriesOf([]), cursor: cursor ?? -1 };
    const axis = axisOf(metric);
    const select = `SELECT step, epoch, at_ms, value, crc FROM ${tableOf(metric)}
      WHERE run = ? AND metric = ? AND ${axis} > ? ORDER BY ${axis}`;
    const statement = database.connection.prepare<[number, number, number], PointRow>(select).raw();
    const rows = statement.all(run, id, cursor ?? -1) as PointRow[];
    const check = numbersChecksum(CHECKED);
    for (const row of rows) requireUntouched(check, row, { path: database.path, runId, run, metric, id });
    const last = rows.at(-1);
    const reached = last === undefined ? (cursor ?? -1) : last[axis === 'step' ? 0 : 2];
    return { series: seriesOf(rows), cursor: reached };
  });
}

/** Where every curve of a run ends, as a cursor for `metricTail`. Figures are not looked at. Throws NOT_FOUND. */
export function metricEnds(database: StudioReader, runId: string): Map<MetricName, number> {
  return read(database, () => {
    const run = runKey(database, runId);
    const ends = new Map<MetricName, number>();
    for (const [metric, id] of metricKeys(database)) {
      const select = `SELECT max(${axisOf(metric)}) FROM ${tableOf(metric)} WHERE run = ? AND metric = ?`;
      const end = database.connection.prepare<[number, number], number | null>(select).pluck().get(run, id);
      if (end != null) ends.set(metric, end);
    }
    return ends;
  });
}

/** The last point of every metric that has one. Throws NOT_FOUND, DATABASE_CORRUPT. */
export function latestMetrics(database: StudioReader, runId: string): Map<MetricName, MetricPoint> {
  return read(database, () => {
    const run = runKey(database, runId);
    const check = numbersChecksum(CHECKED);
    const latest = new Map<MetricName, MetricPoint>();
    const newest = {
      metrics: database.connection.prepare<[number, number], PointRow>(latestOf('metrics', 'step')).raw(),
      system_metrics: database.connection
        .prepare<[number, number], PointRow>(latestOf('system_metrics', 'at_ms'))
        .raw(),
    };
    for (const [metric, id] of metricKeys(database)) {
      const row = newest[tableOf(metric)].get(run, id) as PointRow | undefined;
      if (row === undefined) continue;
      requireUntouched(check, row, { path: database.path, runId, run, metric, id });
      const [step, epoch, atMs, value] = row;
      latest.set(metric, { metric, step, epoch, atMs, value: value ?? Number.NaN });
    }
    return latest;
  });
}

/**
 * Inside a transaction: stores points; one that is there already is replaced, never doubled. For files of db/.
 * Throws INTERNAL for a metric that is not in the closed list.
 */
export function insertMetrics(
  connection: Database.Database,
  run: number,
  points: readonly MetricPoint[],
): void {
  const keys = new Map<MetricName, number>();
  const check = numbersChecksum(CHECKED);
  const insert = {
    metrics: connection.prepare(insertInto('metrics')),
    system_metrics: connection.prepare(insertInto('system_metrics')),
  };
  for (const { metric, step, epoch, atMs, value } of points) {
    const id = keys.get(metric) ?? makeMetricKey(connection, metric);
    keys.set(metric, id);
    const crc = check([run, id, step, epoch, atMs, value]);
    insert[tableOf(metric)].run(run, id, step, epoch, atMs, Number.isNaN(value) ? null : value, crc);
  }
  for (const [metric, curve] of Map.groupBy(points, (point) => point.metric))
    if (tableOf(metric) === 'metrics') addToBlocks(connection, { run, metric: keys.get(metric)! }, curve);
  addToFigures(connection, run, points);
}

/** Inside a transaction: forgets what was measured after `step`. For files of db/. */
export function deleteMetricsAfter(connection: Database.Database, run: number, step: number): void {
  for (const table of ['metrics', 'system_metrics']) {
    connection.prepare(`DELETE FROM ${table} WHERE run = ? AND step > ?`).run(run, step);
  }
  const curves = connection.prepare<[number], number>(
    'SELECT DISTINCT metric FROM metric_blocks WHERE run = ?',
  );
  for (const metric of curves.pluck().all(run)) rebuildBlocks(connection, { run, metric }, step);
  rebuildFigures(connection, run);
}

interface PointPlace {
  readonly path: string;
  readonly runId: string;
  readonly run: number;
  readonly metric: MetricName;
  readonly id: number;
}

function requireUntouched(check: NumbersChecksum, row: PointRow, place: PointPlace): void {
  const [step, epoch, atMs, value, crc] = row;
  if (check([place.run, place.id, step, epoch, atMs, value ?? Number.NaN]) === crc) return;
  throw altered(place.path, `${place.metric} of run ${place.runId} at step ${step}`);
}

function seriesOf(rows: readonly PointRow[]): MetricSeries {
  return {
    steps: Int32Array.from(rows, (row) => row[0]),
    epochs: Float64Array.from(rows, (row) => row[1]),
    values: Float64Array.from(rows, (row) => row[3] ?? Number.NaN),
    atMs: Float64Array.from(rows, (row) => row[2]),
  };
}

function latestOf(table: string, axis: string): string {
  return `SELECT step, epoch, at_ms, value, crc FROM ${table} WHERE run = ? AND metric = ? ORDER BY ${axis} DESC LIMIT 1`;
}

function insertInto(table: string): string {
  return `INSERT OR REPLACE INTO ${table} (run, metric, step, epoch, at_ms, value, crc) VALUES (?, ?, ?, ?, ?, ?, ?)`;
}
