/**
 * @file Runs under Node. All runs, column by column, in memory: pages sort, filter and group ten thousand of them without
 * asking again. Read once, then row by row as runs change.
 */
import type {
  CellValue,
  MetricColumn,
  PackedRunsTable,
  RunsTable,
  SettingColumn,
} from '../../shared/contract/runs.ts';
import type { MetricName, RunState } from '../../shared/runs.ts';
import { flattened } from '../db/compare.ts';
import { type TableRow, tableRows } from '../db/runTable.ts';
import type { Databases } from './databases.ts';
import { packTable } from './packedTable.ts';

/** A row as it goes to the page, its settings and metrics by column. */
interface IndexedRun {
  readonly row: TableRow;
  readonly settings: ReadonlyMap<string, CellValue>;
  readonly metrics: ReadonlyMap<string, number | null>;
}

const IN_WORK: ReadonlySet<RunState> = new Set(['preparing', 'running', 'pausing', 'paused', 'stopping']);
const RUN_COLOURS = 8;
/** Enough letters of a hash to tell configurations apart. */
const KEY_LENGTH = 16;
/** Metrics of which the best value is a column too, and what best means. */
const BEST: ReadonlyMap<MetricName, 'highest' | 'lowest'> = new Map([
  ['dev/accuracy', 'highest'],
  ['test/accuracy', 'highest'],
  ['dev/loss', 'lowest'],
] as const);

export class RunIndex {
  readonly #databases: Databases;
  #runs: Map<string, IndexedRun> | null = null;
  /** Deleted, but not yet gone. */
  readonly #hidden = new Set<string>();
  #table: RunsTable | null = null;
  #packed: { readonly of: RunsTable; readonly table: PackedRunsTable } | null = null;
  #stale = new Set<string>();

  constructor(databases: Databases) {
    this.#databases = databases;
  }

  /** All runs, or those of `ids` that are there. */
  table(ids?: readonly string[]): RunsTable {
    const runs = this.#upToDate();
    if (ids !== undefined) return columnsOf(ids.flatMap((id) => this.#shown(runs.get(id))));
    this.#table ??= columnsOf([...runs.values()].flatMap((run) => this.#shown(run)));
    return this.#table;
  }

  /** The same, as it is sent; the whole table is packed once. */
  packedTable(ids?: readonly string[]): PackedRunsTable {
    const table = this.table(ids);
    if (ids !== undefined) return packTable(table);
    if (this.#packed?.of !== table) this.#packed = { of: table, table: packTable(table) };
    return this.#packed.table;
  }

  /** These rows, new ones and deleted ones included, are read again when somebody asks. */
  touch(ids: readonly string[]): void {
    for (const id of ids) this.#stale.add(id);
    if (ids.length > 0) this.#table = null;
  }

  /** Takes runs out of the table, or puts them back; the database is as it was. */
  hide(ids: readonly string[], hidden: boolean): void {
    for (const id of ids) {
      if (hidden) this.#hidden.add(id);
      else this.#hidden.delete(id);
    }
    this.#table = null;
  }

  isHidden(id: string): boolean {
    return this.#hidden.has(id);
  }

  /** 0 to 7: the colour of a run on every page. Null for a run that is not there. */
  colourOf(id: string): number | null {
    const run = this.#upToDate().get(id);
    return run === undefined ? null : colourOf(run.row);
  }

  #shown(run: IndexedRun | undefined): IndexedRun[] {
    return run === undefined || this.#hidden.has(run.row.id) ? [] : [run];
  }

  #upToDate(): Map<string, IndexedRun> {
    if (this.#runs === null) {
      this.#stale.clear();
      this.#runs = new Map(tableRows(this.#databases.store(), null).map((row) => [row.id, indexed(row)]));
    } else if (this.#stale.size > 0) this.#refresh(this.#runs);
    return this.#runs;
  }

  #refresh(runs: Map<string, IndexedRun>): void {
    const ids = [...this.#stale];
    const fresh = new Map(tableRows(this.#databases.store(), ids).map((row) => [row.id, row]));
    // Only now: what could not be read is read when somebody asks again.
    this.#stale = new Set();
    let grown = false;
    for (const id of ids) {
      const row = fresh.get(id);
      if (row === undefined) runs.delete(id);
      else {
        grown ||= !runs.has(id);
        runs.set(id, indexed(row));
      }
    }
    // New runs come first; a Map keeps the order of insertion.
    if (grown)
      this.#runs = new Map([...runs].sort(([, one], [, other]) => other.row.number - one.row.number));
    this.#table = null;
  }
}

function indexed(row: TableRow): IndexedRun {
  const { config, engine } = row;
  const { hyperparameters, dataset, model, startFrom, tokenizer = 'words', vocabularyHash } = config;
  const settings = flattened({
    dataset: { name: dataset.name, contentHash: dataset.contentHash },
    hyperparameters,
    model,
    engine: engine?.engine ?? config.engine,
    device: engine?.device ?? null,
    threads: engine?.threads ?? null,
    startFrom,
    tokenizer,
    vocabularyHash,
  });
  return { row, settings, metrics: metricsOf(row) };
}

function metricsOf({ figures, result }: TableRow): Map<string, number | null> {
  const metrics = new Map<string, number | null>();
  for (const [name, figure] of Object.entries(figures)) {
    metrics.set(name, figure.last);
    const best = BEST.get(name as MetricName);
    if (best !== undefined) metrics.set(`best/${name}`, figure[best]);
  }
  if (result !== null) {
    for (const [name, value] of Object.entries(result))
      if (typeof value === 'number') metrics.set(`result/${name}`, Number.isFinite(value) ? value : null);
  }
  return metrics;
}

function colourOf({ colour, number }: TableRow): number {
  return colour ?? (number - 1) % RUN_COLOURS;
}

function durationOf({ startedAtMs, finishedAtMs }: TableRow): number | null {
  return startedAtMs === null || finishedAtMs === null ? null : (finishedAtMs - startedAtMs) / 1000;
}

function columnsOf(runs: readonly IndexedRun[]): RunsTable {
  const of = <Value>(value: (row: TableRow) => Value): Value[] => runs.map(({ row }) => value(row));
  return {
    ids: of(({ id }) => id),
    names: of(({ name }) => name),
    experiments: of(({ experiment }) => experiment),
    states: of(({ state }) => state),
    tags: of(({ tags }) => tags),
    notes: of(({ notes }) => notes),
    archived: of(({ archived }) => archived),
    colours: of(colourOf),
    createdAtMs: of(({ createdAtMs }) => createdAtMs),
    finishedAtMs: of(({ finishedAtMs }) => finishedAtMs),
    durationSeconds: of(durationOf),
    replicateKeys: of(({ replicateHash }) => replicateHash.slice(0, KEY_LENGTH)),
    errors: of(({ error, state }) => (state === 'failed' ? error : null)),
    progress: of(({ progress, state }) => (IN_WORK.has(state) ? progress : null)),
    selectedOnTest: of(({ result }) => result?.selectedOnTest ?? false),
    settings: settingColumns(runs),
    metrics: metricColumns(runs),
  };
}

function settingColumns(runs: readonly IndexedRun[]): SettingColumn[] {
  const columns = new Map<string, { places: Map<CellValue, number>; codes: number[] }>();
  for (const [at, { settings }] of runs.entries()) {
    for (const [key, value] of settings) {
      let column = columns.get(key);
      if (column === undefined) {
        column = { places: new Map(), codes: new Array<number>(runs.length).fill(-1) };
        columns.set(key, column);
      }
      let place = column.places.get(value);
      if (place === undefined) {
        place = column.places.size;
        column.places.set(value, place);
      }
      column.codes[at] = place;
    }
  }
  return [...columns].map(([key, { places, codes }]) => ({ key, values: [...places.keys()], codes }));
}

function metricColumns(runs: readonly IndexedRun[]): MetricColumn[] {
  const columns = new Map<string, Float64Array>();
  for (const [at, { metrics }] of runs.entries()) {
    for (const [key, value] of metrics) {
      let column = columns.get(key);
      if (column === undefined) {
        column = new Float64Array(runs.length).fill(Number.NaN);
        columns.set(key, column);
      }
      column[at] = value ?? Number.NaN;
    }
  }
  return [...columns].map(([key, values]) => ({ key, values }));
}
