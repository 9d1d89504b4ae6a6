/**
 * @file Runs in the page. Colour, line style and chart of each run, by the values of any columns. Pure, so that table,
 * legend, charts and exported figures agree.
 */
import { formatCell } from '../table/format.ts';
import type { IndexedTable } from '../table/indexedTable.ts';
import { DASHES } from './drawnLine.ts';

export const RUN_COLOURS = 8;

export interface EncodingWish {
  /** Keys of columns; none keeps each run's own colour, a solid line and one chart. */
  readonly colourBy: readonly string[];
  readonly strokeBy: readonly string[];
  readonly divideBy: readonly string[];
}

export const PLAIN_ENCODING: EncodingWish = { colourBy: [], strokeBy: [], divideBy: [] };

export interface LegendEntry {
  /** "Learning rate 1e-4 · Schedule cosine" */
  readonly name: string;
  readonly rows: readonly number[];
}

export interface RunEncoding {
  readonly colour: number;
  readonly dash: number;
  /** Index into `charts`. */
  readonly chart: number;
}

export interface Encoding {
  readonly ofRow: ReadonlyMap<number, RunEncoding>;
  /** In the order of colours; empty when runs keep their own. More entries than colours start over. */
  readonly colours: readonly (LegendEntry & { readonly colour: number })[];
  readonly strokes: readonly (LegendEntry & { readonly dash: number })[];
  readonly charts: readonly LegendEntry[];
}

export function encodeRuns(runs: IndexedTable, rows: readonly number[], wish: EncodingWish): Encoding {
  const colours = distinct(runs, rows, wish.colourBy);
  const strokes = distinct(runs, rows, wish.strokeBy);
  const charts = distinct(runs, rows, wish.divideBy);
  const place = (entries: readonly LegendEntry[]) =>
    new Map(entries.flatMap(({ rows: members }, at) => members.map((row) => [row, at] as const)));
  const colourOf = place(colours);
  const strokeOf = place(strokes);
  const chartOf = place(charts);
  return {
    ofRow: new Map(
      rows.map((row) => [
        row,
        {
          colour: (colourOf.get(row) ?? runs.table.colours[row] ?? 0) % RUN_COLOURS,
          dash: (strokeOf.get(row) ?? 0) % DASHES.length,
          chart: chartOf.get(row) ?? 0,
        },
      ]),
    ),
    colours: colours.map((entry, at) => ({ ...entry, colour: at % RUN_COLOURS })),
    strokes: strokes.map((entry, at) => ({ ...entry, dash: at % DASHES.length })),
    charts: charts.length === 0 ? [{ name: '', rows }] : charts,
  };
}

/** Combinations of values in the order of the values, so that the same value keeps its colour when runs come and go. */
function distinct(runs: IndexedTable, rows: readonly number[], keys: readonly string[]): LegendEntry[] {
  if (keys.length === 0) return [];
  const codes = keys.map((key) => runs.codes(key));
  const entries = new Map<string, number[]>();
  for (const row of rows) {
    const key = codes.map((ofKey) => ofKey[row]).join(' ');
    const known = entries.get(key);
    if (known === undefined) entries.set(key, [row]);
    else known.push(row);
  }
  const ranks = keys.map((key) => runs.ranks(key));
  const inOrder = [...entries.values()].sort(([one], [other]) => {
    for (const ofKey of ranks) {
      const left = ofKey[one!]!;
      const right = ofKey[other!]!;
      if (Number.isNaN(left) !== Number.isNaN(right)) return Number.isNaN(left) ? 1 : -1;
      if (left !== right && !Number.isNaN(left)) return left - right;
    }
    return one! - other!;
  });
  return inOrder.map((members) => ({ name: legendName(runs, members[0]!, keys), rows: members }));
}

function legendName(runs: IndexedTable, row: number, keys: readonly string[]): string {
  return keys
    .map((key) => {
      const column = runs.column(key);
      return `${column?.name ?? key} ${formatCell(column?.kind ?? 'text', runs.reader(key)(row))}`;
    })
    .join(' · ');
}
