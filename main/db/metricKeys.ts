/** @file Node. The number under which each metric's points are kept, and in which table. For files of db/. */
import type Database from 'better-sqlite3';
import { StudioError } from '../../shared/errors.ts';
import { METRICS, type MetricName } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { keptStatement } from './connection.ts';
import { corrupt } from './sqliteErrors.ts';

const KNOWN: ReadonlySet<string> = new Set(METRICS);

/** Every metric that the database has met. Throws DATABASE_CORRUPT for a name that is not in the closed list. */
export function metricKeys(database: StudioReader): Map<MetricName, number> {
  const select = keptStatement<[number, string]>(database.connection, 'SELECT id, name FROM metric_names');
  const rows = select.all();
  const unknown = rows.find(([, name]) => !KNOWN.has(name));
  if (unknown !== undefined) throw corrupt(database.path, `there is no metric "${unknown[1]}"`);
  return new Map(rows.map(([id, name]) => [name as MetricName, id]));
}

/** Inside a transaction: the number of a metric, made when it is new. Throws INTERNAL outside the closed list. */
export function makeMetricKey(connection: Database.Database, metric: MetricName): number {
  if (!KNOWN.has(metric)) throw new StudioError('INTERNAL', `There is no metric "${metric}".`);
  const select = connection.prepare<[string], number>('SELECT id FROM metric_names WHERE name = ?').pluck();
  const known = select.get(metric);
  if (known !== undefined) return known;
  connection.prepare('INSERT INTO metric_names (name) VALUES (?)').run(metric);
  return select.get(metric) as number;
}

/** Several system samples may fall into one long step, so time is their axis. */
export function tableOf(metric: MetricName): 'metrics' | 'system_metrics' {
  return metric.startsWith('system/') ? 'system_metrics' : 'metrics';
}

export function axisOf(metric: MetricName): 'step' | 'at_ms' {
  return metric.startsWith('system/') ? 'at_ms' : 'step';
}
