/**
 * @file Runs in the page. Groups of runs: by the values of any columns, and replicates (one configuration, several
 * seeds). A group's figures are those of all its members: whether a member is shown or hidden changes nothing.
 */
import type { RunState } from '../../shared/runs.ts';
import type { Cell, IndexedTable } from './indexedTable.ts';
import { type Summary, summarise } from './statistics.ts';

export interface RunGroup {
  /** Unique among the groups and the same from table to table, so that an opened group stays open. */
  readonly key: string;
  readonly values: readonly { readonly field: string; readonly value: Cell }[];
  /** In the order in which they came. */
  readonly rows: readonly number[];
}

/** Groups in the order of their first members. */
export function groupRows(
  runs: IndexedTable,
  rows: readonly number[],
  fields: readonly string[],
): RunGroup[] {
  const codes = fields.map((field) => runs.codes(field));
  const groups = gathered(rows, (row) => {
    let key = '';
    for (const ofField of codes) key += `${ofField[row]},`;
    return key;
  });
  return groups.map((members) => {
    const values = fields.map((field) => ({ field, value: runs.reader(field)(members[0]!) }));
    return { key: JSON.stringify(values.map(({ value }) => value)), values, rows: members };
  });
}

function gathered(rows: readonly number[], keyOf: (row: number) => string | number): number[][] {
  const sets = new Map<string | number, number[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const known = sets.get(key);
    if (known === undefined) sets.set(key, [row]);
    else known.push(row);
  }
  return [...sets.values()];
}

/** A set of runs of one configuration with different seeds, or a run on its own. */
export interface Replicates {
  readonly key: string;
  readonly rows: readonly number[];
  /** True when there are at least two seeds: then it is one line of the table. */
  readonly folded: boolean;
}

export function foldReplicates(runs: IndexedTable, rows: readonly number[]): Replicates[] {
  const { replicates, measurements, table } = runs;
  return gathered(rows, (row) => replicates[row]!).flatMap((members): Replicates[] => {
    const first = members[0]!;
    if (members.some((row) => measurements[row] !== measurements[first]))
      return [{ key: table.replicateKeys[first]!, rows: members, folded: true }];
    return members.map((row) => ({ key: table.ids[row]!, rows: [row], folded: false }));
  });
}

/**
 * The figures of a group in one column, over every member that has a number. A seed that was run twice would count
 * twice, though nothing new was measured: of such runs the first row counts (the newest, in the table's order).
 */
export function summaryOf(runs: IndexedTable, rows: readonly number[], key: string): Summary | null {
  const read = runs.reader(key);
  const { measurements } = runs;
  const counted = new Set<number>();
  const values: number[] = [];
  for (const row of [...rows].sort((one, other) => one - other)) {
    const value = read(row);
    if (typeof value !== 'number' || !Number.isFinite(value)) continue;
    const measured = measurements[row]!;
    if (counted.has(measured)) continue;
    counted.add(measured);
    values.push(value);
  }
  return summarise(values);
}

const GOING_ON: ReadonlySet<RunState> = new Set([
  'queued',
  'preparing',
  'running',
  'pausing',
  'paused',
  'stopping',
]);

/** Members that have not ended: the table says so beside the mean. */
export function unfinishedOf({ table }: IndexedTable, rows: readonly number[]): number {
  return rows.filter((row) => GOING_ON.has(table.states[row]!)).length;
}

/** The value that all members share, or undefined when they differ. */
export function commonCell(runs: IndexedTable, rows: readonly number[], key: string): Cell | undefined {
  const read = runs.reader(key);
  const first = read(rows[0]!);
  const text = JSON.stringify(first);
  return rows.every((row) => JSON.stringify(read(row)) === text) ? first : undefined;
}
