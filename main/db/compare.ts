/** @file Node. Runs side by side: what differs in how they were made, and what came out. */
import type { ComparedValue, ComparisonRow, RunComparison } from '../../shared/comparison.ts';
import type { MetricName, RunRecord } from '../../shared/runs.ts';
import { METRICS } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { latestMetrics } from './metrics.ts';
import { findRun } from './runs.ts';

/** What is compared: a run and the last value of each of its metrics. */
export interface ComparedRun {
  readonly record: RunRecord;
  readonly latest: ReadonlyMap<MetricName, number>;
}

/** Reads runs by id or unique prefix and compares them. Throws as `findRun`. */
export function compareStoredRuns(database: StudioReader, ids: readonly string[]): RunComparison {
  const runs = ids.map((id): ComparedRun => {
    const record = findRun(database, id);
    const points = latestMetrics(database, record.id);
    return { record, latest: new Map([...points].map(([metric, point]) => [metric, point.value])) };
  });
  return compareRuns(runs);
}

/** Compares runs: a pure function. Rows stand in the order in which the first run that has them names them. */
export function compareRuns(runs: readonly ComparedRun[]): RunComparison {
  const settings = runs.map(({ record }) =>
    flattened({
      ...record.config,
      engine: record.engine ?? record.config.engine,
      environment: record.environment,
    }),
  );
  const metrics = runs.map(({ record, latest }) => {
    const found = flattened({
      state: record.state,
      ...(record.result === null ? {} : { result: record.result }),
    });
    for (const metric of METRICS) if (latest.has(metric)) found.set(metric, latest.get(metric)!);
    return found;
  });
  return {
    runs: runs.map(({ record }) => ({ id: record.id, name: record.name, state: record.state })),
    settings: rowsOf(settings),
    metrics: rowsOf(metrics),
  };
}

/** The rows that differ. */
export function differences(rows: readonly ComparisonRow[]): ComparisonRow[] {
  return rows.filter((row) => row.differs);
}

/** Every leaf of a value under its path. Lists of plain values are one leaf, so that labels stay together. */
export function flattened(value: object): Map<string, ComparedValue> {
  const leaves = new Map<string, ComparedValue>();
  const visit = (inner: unknown, path: string): void => {
    if (Array.isArray(inner))
      leaves.set(path, inner.every(isPlain) ? inner.join(', ') : JSON.stringify(inner));
    else if (typeof inner === 'object' && inner !== null) {
      for (const [key, deeper] of Object.entries(inner)) visit(deeper, path === '' ? key : `${path}.${key}`);
    } else leaves.set(path, isPlain(inner) ? inner : null);
  };
  visit(value, '');
  return leaves;
}

function rowsOf(columns: readonly ReadonlyMap<string, ComparedValue>[]): ComparisonRow[] {
  const keys = new Set(columns.flatMap((column) => [...column.keys()]));
  return [...keys].map((key) => {
    const values = columns.map((column) => column.get(key) ?? null);
    // Object.is, so that two runs whose loss became NaN do not "differ".
    return { key, values, differs: values.some((value) => !Object.is(value, values[0])) };
  });
}

function isPlain(value: unknown): value is ComparedValue {
  return (
    value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  );
}
