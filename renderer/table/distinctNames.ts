/** @file Runs in the page. Names that tell runs apart: those called the same are told by what differs between them. */
import { splitSettings } from './differing.ts';
import { formatCell } from './format.ts';
import { type Column, type IndexedTable, nameOf } from './indexedTable.ts';

/** More words behind a name are not read. */
const MOST_WORDS = 2;

/** By row. "try" where only one of them is called so, else "try · seed 1", or "try · r1abc" where no setting differs. */
export function distinctNames(runs: IndexedTable, rows: readonly number[]): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const [name, called] of Map.groupBy(rows, (row) => nameOf(runs.table, row))) {
    const words = called.length === 1 ? null : wordsApart(runs, called);
    for (const row of called) names.set(row, words === null ? name : `${name} · ${words(row)}`);
  }
  return names;
}

/** The fewest settings that tell all of these rows apart; their ids where few do not. */
function wordsApart(runs: IndexedTable, rows: readonly number[]): (row: number) => string {
  const { differing } = splitSettings(runs, rows, false);
  const told = (columns: readonly Column[]) => (row: number) =>
    columns
      .map(({ key, name, kind }) => `${name.toLowerCase()} ${formatCell(kind, runs.reader(key)(row))}`)
      .join(', ');
  for (const columns of [...differing.map((one) => [one]), differing.slice(0, MOST_WORDS)]) {
    const words = told(columns);
    if (columns.length > 0 && new Set(rows.map(words)).size === rows.length) return words;
  }
  return (row) => runs.table.ids[row] ?? '';
}

/** By id, for runs that are in the table. */
export function distinctNamesOf(runs: IndexedTable, ids: readonly string[]): ReadonlyMap<string, string> {
  const rows = ids.flatMap((id) => runs.rowOf(id) ?? []);
  const names = distinctNames(runs, rows);
  return new Map(rows.map((row) => [runs.table.ids[row] ?? '', names.get(row) ?? '']));
}
