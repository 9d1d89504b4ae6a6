/**
 * @file Runs in the page. Parallel coordinates without the drawing: the axes of some columns, each run's place on them,
 * brushes, and colours between the least and the greatest metric.
 */
import { formatCell } from '../table/format.ts';
import type { Cell, Column, IndexedTable } from '../table/indexedTable.ts';
import { linearTicks, logTicks, placer } from './scales.ts';

export interface AxisWish {
  readonly key: string;
  readonly log: boolean;
  readonly flipped: boolean;
  /** From the lower to the upper end, as shares of the axis; null lets everything through. */
  readonly brush: readonly [number, number] | null;
}

export interface ParallelAxis extends AxisWish {
  readonly column: Column;
  readonly ticks: readonly { readonly place: number; readonly text: string }[];
  /** 0 is the bottom, 1 the top; NaN for a run without a value. */
  readonly places: Float64Array;
  /** A logarithmic scale makes sense: numbers above 0 only. */
  readonly canBeLog: boolean;
}

/** A margin at either end of an axis of words, so that lines do not run along the edge. */
const WORD_MARGIN = 0.06;
const NEAREST_TICKS = 0.06;

/** Axes for `rows`, in the order of the wishes. Constant ones are left out, unless they are asked to stay. */
export function parallelAxes(
  runs: IndexedTable,
  rows: readonly number[],
  { axes, keepConstant }: { readonly axes: readonly AxisWish[]; readonly keepConstant: boolean },
): ParallelAxis[] {
  return axes.flatMap((wish): ParallelAxis[] => {
    const column = runs.column(wish.key);
    if (column === undefined) return [];
    const read = runs.reader(wish.key);
    const cells = rows.map(read);
    const distinct = new Set(cells.filter((cell) => cell !== null).map((cell) => JSON.stringify(cell)));
    if (distinct.size === 0 || (distinct.size === 1 && !keepConstant)) return [];
    const numeric = cells.every((cell) => cell === null || typeof cell === 'number');
    return [numeric ? numericAxis(column, cells, wish) : wordAxis(column, cells, wish)];
  });
}

function numericAxis(column: Column, cells: readonly Cell[], wish: AxisWish): ParallelAxis {
  const values = cells.map((cell) => (typeof cell === 'number' ? cell : Number.NaN));
  const known = values.filter((value) => Number.isFinite(value));
  const from = Math.min(...known);
  const to = Math.max(...known);
  const canBeLog = known.length > 0 && from > 0 && to > from;
  const log = wish.log && canBeLog;
  const range = from < to ? { from, to } : { from: from - 0.5, to: to + 0.5 };
  const place = placer(range, log, wish.flipped ? [1, 0] : [0, 1]);
  const distinct = [...new Set(known)];
  // Few values are all told; of many, round ones.
  const told = distinct.length <= 6 ? distinct : log ? logTicks(range, 5) : linearTicks(range, 5);
  return {
    ...wish,
    column,
    canBeLog,
    log,
    ticks: apart(told.map((value) => ({ place: place(value), text: formatCell(column.kind, value) }))),
    places: Float64Array.from(values, (value) => (Number.isFinite(value) ? place(value) : Number.NaN)),
  };
}

/** Ticks that would be written over each other are left out; both ends stay. */
function apart(ticks: readonly { readonly place: number; readonly text: string }[]) {
  const sorted = [...ticks].sort((one, other) => one.place - other.place);
  const last = sorted.at(-1);
  const kept = sorted.slice(0, 1);
  for (const tick of sorted.slice(1, -1))
    if (tick.place - kept.at(-1)!.place >= NEAREST_TICKS && last!.place - tick.place >= NEAREST_TICKS)
      kept.push(tick);
  if (last !== undefined && sorted.length > 1) kept.push(last);
  return kept;
}

function wordAxis(column: Column, cells: readonly Cell[], wish: AxisWish): ParallelAxis {
  const words = [
    ...new Set(cells.filter((cell) => cell !== null).map((cell) => formatCell(column.kind, cell))),
  ];
  words.sort();
  const place = (index: number) => {
    const share =
      words.length === 1 ? 0.5 : WORD_MARGIN + (index / (words.length - 1)) * (1 - 2 * WORD_MARGIN);
    return wish.flipped ? 1 - share : share;
  };
  return {
    ...wish,
    column,
    canBeLog: false,
    log: false,
    ticks: words.map((text, index) => ({ place: place(index), text })),
    places: Float64Array.from(cells, (cell) =>
      cell === null ? Number.NaN : place(words.indexOf(formatCell(column.kind, cell))),
    ),
  };
}

/** Indexes into the rows of those that every brush lets through; a run without a value fails a brush on that axis. */
export function brushed(axes: readonly ParallelAxis[], count: number): number[] {
  return Array.from({ length: count }, (_, at) => at).filter((at) =>
    axes.every(({ brush, places }) => brush === null || (places[at]! >= brush[0] && places[at]! <= brush[1])),
  );
}

/** 0 to 1 between the least and the greatest number of a column; null where there is none. */
export function gradientShares(cells: readonly Cell[]): (number | null)[] {
  const known = cells.filter((cell): cell is number => typeof cell === 'number' && Number.isFinite(cell));
  const from = Math.min(...known);
  const span = Math.max(...known) - from;
  return cells.map((cell) =>
    typeof cell === 'number' && Number.isFinite(cell) ? (span === 0 ? 0.5 : (cell - from) / span) : null,
  );
}

/** The order after one axis has been moved by so many places. */
export function moved<Item>(items: readonly Item[], from: number, by: number): Item[] {
  const rest = [...items];
  const [item] = rest.splice(from, 1);
  if (item !== undefined) rest.splice(Math.max(0, Math.min(rest.length, from + by)), 0, item);
  return rest;
}

/** From a calm blue through green to a warm yellow: rises in lightness too, so that it reads without colour vision. */
const GRADIENT: readonly (readonly [red: number, green: number, blue: number])[] = [
  [68, 62, 140],
  [49, 104, 142],
  [33, 145, 140],
  [83, 181, 96],
  [217, 178, 38],
];
const UNKNOWN = '#8a877f';

/** The colour of a share between the least and the greatest value; grey where there is none. */
export function gradientColour(share: number | null): string {
  if (share === null) return UNKNOWN;
  const place = Math.max(0, Math.min(1, share)) * (GRADIENT.length - 1);
  const at = Math.min(GRADIENT.length - 2, Math.floor(place));
  const mix = GRADIENT[at]!.map((low, part) =>
    Math.round(low + (GRADIENT[at + 1]![part]! - low) * (place - at)),
  );
  return `#${mix.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
