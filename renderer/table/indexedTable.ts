/**
 * @file Runs in the page. The table of all runs, ready to be read by column: a catalogue of columns, a reader for each,
 * and ranks to sort by. Made once for every new table; what is costly is computed when it is first asked for.
 */
import type { MetricColumn, RunsTable } from '../../shared/contract/runs.ts';
import { RUN_STATES } from '../../shared/runs.ts';
import {
  type Better,
  type ColumnKind,
  metricBetter,
  metricKind,
  metricName,
  settingName,
} from './columnNames.ts';

export type Cell = string | number | boolean | null | readonly string[];
export type CellReader = (row: number) => Cell;

export interface Column {
  readonly key: string;
  readonly name: string;
  readonly section: 'run' | 'settings' | 'metrics';
  readonly kind: ColumnKind;
  readonly better: Better | null;
}

export const SEED_KEY = 'hyperparameters.seed';

const RUN_COLUMNS: readonly (readonly [key: string, name: string, kind: ColumnKind])[] = [
  ['name', 'Run', 'text'],
  ['state', 'State', 'state'],
  ['tags', 'Tags', 'tags'],
  ['experiment', 'Experiment', 'text'],
  ['notes', 'Notes', 'text'],
  ['created', 'Created', 'time'],
  ['finished', 'Finished', 'time'],
  ['duration', 'Duration', 'duration'],
  ['error', 'Reason of failure', 'text'],
  ['archived', 'Archived', 'boolean'],
  ['selectedOnTest', 'Selected on test', 'boolean'],
  ['id', 'Id', 'text'],
];

/** A sentence of the run's own where it has no name: its id. */
export function nameOf(table: RunsTable, row: number): string {
  return table.names[row] ?? table.ids[row] ?? '';
}

function runReaders(table: RunsTable): [string, CellReader][] {
  return [
    ['name', (row) => nameOf(table, row)],
    ['state', (row) => table.states[row] ?? null],
    ['tags', (row) => table.tags[row] ?? []],
    ['experiment', (row) => table.experiments[row] ?? null],
    ['notes', (row) => table.notes[row] ?? ''],
    ['created', (row) => table.createdAtMs[row] ?? null],
    ['finished', (row) => table.finishedAtMs[row] ?? null],
    ['duration', (row) => table.durationSeconds[row] ?? null],
    ['error', (row) => table.errors[row] ?? null],
    ['archived', (row) => table.archived[row] ?? false],
    ['selectedOnTest', (row) => table.selectedOnTest[row] ?? false],
    ['id', (row) => table.ids[row] ?? null],
  ];
}

export class IndexedTable {
  readonly table: RunsTable;
  readonly size: number;
  readonly columns: readonly Column[];
  readonly #byKey: ReadonlyMap<string, Column>;
  readonly #readers: Map<string, CellReader>;
  readonly #ranks = new Map<string, Float64Array>();
  #rows: ReadonlyMap<string, number> | null = null;
  #replicates: Int32Array | null = null;
  #measurements: Int32Array | null = null;

  constructor(table: RunsTable) {
    this.table = table;
    this.size = table.ids.length;
    this.#readers = new Map(runReaders(table));
    const columns: Column[] = RUN_COLUMNS.map(([key, name, kind]) => ({
      key,
      name,
      section: 'run',
      kind,
      better: key === 'duration' ? 'lower' : null,
    }));
    for (const { key, values, codes } of table.settings) {
      this.#readers.set(key, (row) => values[codes[row] ?? -1] ?? null);
      columns.push({ key, name: settingName(key), section: 'settings', kind: kindOf(values), better: null });
    }
    for (const column of table.metrics) {
      const { key } = column;
      this.#readers.set(key, (row) => measuredAt(column, row));
      columns.push({
        key,
        name: metricName(key),
        section: 'metrics',
        kind: metricKind(key),
        better: metricBetter(key),
      });
    }
    this.columns = columns;
    this.#byKey = new Map(columns.map((column) => [column.key, column]));
  }

  column(key: string): Column | undefined {
    return this.#byKey.get(key);
  }

  /** A column that the table does not have is empty everywhere: a saved view may name one that is gone. */
  reader(key: string): CellReader {
    return this.#readers.get(key) ?? (() => null);
  }

  rowOf(id: string): number | undefined {
    this.#rows ??= new Map(this.table.ids.map((known, row) => [known, row]));
    return this.#rows.get(id);
  }

  /** Equal numbers for runs that differ in nothing but the seed. */
  get replicates(): Int32Array {
    this.#replicates ??= numbered(this.table.replicateKeys);
    return this.#replicates;
  }

  /** Equal numbers for runs that measured the very same: one configuration, one seed. */
  get measurements(): Int32Array {
    if (this.#measurements === null) {
      const seeds = this.codes(SEED_KEY);
      const { replicates } = this;
      this.#measurements = numbered(this.table.ids.map((_, row) => replicates[row]! * 2 ** 20 + seeds[row]!));
    }
    return this.#measurements;
  }

  /** Equal numbers for equal cells of a column. */
  codes(key: string): ArrayLike<number> {
    const setting = this.table.settings.find((column) => column.key === key);
    if (setting !== undefined) return setting.codes;
    const read = this.reader(key);
    return numbered(Array.from({ length: this.size }, (_, row) => JSON.stringify(read(row))));
  }

  /** Numbers in the order of the cells, one a row; NaN where there is none. */
  ranks(key: string): Float64Array {
    const known = this.#ranks.get(key);
    if (known !== undefined) return known;
    const read = this.reader(key);
    const setting = this.table.settings.find((column) => column.key === key);
    const ranks =
      setting === undefined
        ? ranksOf(
            Array.from({ length: this.size }, (_, row) =>
              key === 'state' ? statePlace(read(row)) : read(row),
            ),
          )
        : spread(setting.codes, ranksOf(setting.values));
    this.#ranks.set(key, ranks);
    return ranks;
  }
}

/** The value of a row, or null: a run may have none, and a column may be shorter than the table. */
export function measuredAt({ values }: MetricColumn, row: number): number | null {
  const value = values[row] ?? Number.NaN;
  return Number.isNaN(value) ? null : value;
}

/** Each distinct value gets the next number. */
function numbered(values: readonly (string | number)[]): Int32Array {
  const known = new Map<string | number, number>();
  return Int32Array.from(values, (value) => {
    const found = known.get(value);
    if (found !== undefined) return found;
    known.set(value, known.size);
    return known.size - 1;
  });
}

function kindOf(values: readonly Cell[]): ColumnKind {
  const some = values.find((value) => value !== null);
  return typeof some === 'number' ? 'number' : typeof some === 'boolean' ? 'boolean' : 'text';
}

function spread(codes: ArrayLike<number>, ofValue: Float64Array): Float64Array {
  const ranks = new Float64Array(codes.length);
  for (let row = 0; row < codes.length; row++) ranks[row] = ofValue[codes[row]!] ?? Number.NaN;
  return ranks;
}

/** States stand in the order of a run's life, not of the alphabet. */
function statePlace(state: Cell): number {
  return (RUN_STATES as readonly Cell[]).indexOf(state);
}

/** "lr10" comes after "lr9": digits are compared as numbers. */
function naturalKey(text: string): string {
  return text.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(16, '0'));
}

/** Numbers keep their value; texts get their place among all texts, after the numbers. */
function ranksOf(cells: readonly Cell[]): Float64Array {
  const ranks = new Float64Array(cells.length).fill(Number.NaN);
  const texts: { readonly text: string; readonly row: number }[] = [];
  let highest = 0;
  cells.forEach((cell, row) => {
    if (typeof cell === 'number') ranks[row] = cell;
    else if (typeof cell === 'boolean') ranks[row] = cell ? 1 : 0;
    else if (cell !== null && cell.length > 0)
      texts.push({ text: naturalKey(typeof cell === 'string' ? cell : cell.join('\n')), row });
    if (ranks[row]! > highest) highest = ranks[row]!;
  });
  texts.sort((one, other) => (one.text < other.text ? -1 : one.text > other.text ? 1 : one.row - other.row));
  let place = highest;
  texts.forEach(({ text, row }, at) => {
    if (at === 0 || texts[at - 1]!.text !== text) place++;
    ranks[row] = place;
  });
  return ranks;
}
