/**
 * @file Node. The last, lowest and highest value of each of a run's metrics, in one row a run: the table of ten
 * thousand runs is read from here. Kept in the same transaction as the points, and always to be made again from them.
 */
import type Database from 'better-sqlite3';
import { METRICS, type MetricName, type MetricPoint } from '../../shared/runs.ts';
import type { StudioReader } from './connection.ts';
import { read } from './connection.ts';
import { rowChecksum } from './rowChecksum.ts';
import { altered } from './sqliteErrors.ts';

/** Of the points that are numbers; `last` is null when the last point is none. */
export interface Figure {
  readonly step: number;
  readonly last: number | null;
  readonly lowest: number | null;
  readonly highest: number | null;
}
export type Figures = Partial<Record<MetricName, Figure>>;

/** As it is stored: [step, last, lowest, highest]. */
type StoredFigures = Partial<Record<MetricName, [number, number | null, number | null, number | null]>>;

/** Inside a transaction: takes new points into a run's figures. */
export function addToFigures(
  connection: Database.Database,
  run: number,
  points: readonly MetricPoint[],
): void {
  const figures = storedFigures(connection, run);
  for (const { metric, step, value } of points) {
    const [knownStep, , lowest, highest] = figures[metric] ?? [-1, null, null, null];
    const finite = Number.isFinite(value) ? value : null;
    const last = step >= knownStep ? finite : (figures[metric]?.[1] ?? null);
    figures[metric] = [
      Math.max(step, knownStep),
      last,
      extreme(Math.min, lowest, finite),
      extreme(Math.max, highest, finite),
    ];
  }
  store(connection, run, figures);
}

/** Inside a transaction: makes a run's figures again from its points. */
export function rebuildFigures(connection: Database.Database, run: number): void {
  const figures: StoredFigures = {};
  for (const [table, axis] of [
    ['metrics', 'step'],
    ['system_metrics', 'at_ms'],
  ] as const) {
    // With a bare max() SQLite takes the other columns from the row of the maximum.
    const rows = connection
      .prepare<
        [number],
        {
          name: MetricName;
          step: number;
          value: number | null;
          lowest: number | null;
          highest: number | null;
        }
      >(
        `SELECT name, max(${axis}), step, value, lowest, highest FROM (
           SELECT metric, ${axis}, step, value, min(value) OVER (PARTITION BY metric) AS lowest,
             max(value) OVER (PARTITION BY metric) AS highest FROM ${table} WHERE run = ?)
         JOIN metric_names ON metric_names.id = metric GROUP BY name`,
      )
      .all(run);
    for (const { name, step, value, lowest, highest } of rows) figures[name] = [step, value, lowest, highest];
  }
  store(connection, run, figures);
}

/** Figures of every run, or of some, by the run's number. Throws DATABASE_CORRUPT when a row was altered. */
export function figuresOfRuns(database: StudioReader, runs: readonly number[] | null): Map<number, Figures> {
  return read(database, () => {
    const where = runs === null ? '' : 'WHERE run IN (SELECT value FROM json_each(?))';
    const select = database.connection.prepare<unknown[], { run: number; figures: string; crc: number }>(
      `SELECT run, figures, crc FROM run_figures ${where}`,
    );
    const rows = runs === null ? select.all() : select.all(JSON.stringify(runs));
    return new Map(
      rows.map(({ run, figures, crc }) => {
        if (rowChecksum([run], [figures]) !== crc)
          throw altered(database.path, `the row of figures of run number ${run}`);
        return [run, figuresIn(JSON.parse(figures) as StoredFigures)];
      }),
    );
  });
}

function figuresIn(stored: StoredFigures): Figures {
  const figures: Figures = {};
  for (const metric of METRICS) {
    const figure = stored[metric];
    if (figure !== undefined)
      figures[metric] = { step: figure[0], last: figure[1], lowest: figure[2], highest: figure[3] };
  }
  return figures;
}

function storedFigures(connection: Database.Database, run: number): StoredFigures {
  const text = connection
    .prepare<[number], string>('SELECT figures FROM run_figures WHERE run = ?')
    .pluck()
    .get(run);
  return text === undefined ? {} : (JSON.parse(text) as StoredFigures);
}

function store(connection: Database.Database, run: number, figures: StoredFigures): void {
  const text = JSON.stringify(figures);
  connection
    .prepare('INSERT OR REPLACE INTO run_figures (run, figures, crc) VALUES (?, ?, ?)')
    .run(run, text, rowChecksum([run], [text]));
}

function extreme(
  choose: (one: number, other: number) => number,
  known: number | null,
  value: number | null,
): number | null {
  if (known === null || value === null) return known ?? value;
  return choose(known, value);
}
