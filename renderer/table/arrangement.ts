/**
 * @file Runs in the page. From all runs to the lines of the table: filter, group, fold replicates, sort, and open
 * groups. Returns plain lines for a virtual list; the cells are read when a line is drawn.
 */
import { EVERYTHING, type Filter, filterRows } from './filter.ts';
import { foldReplicates, groupRows, type Replicates, type RunGroup, summaryOf } from './grouping.ts';
import type { IndexedTable } from './indexedTable.ts';

export interface SortKey {
  readonly key: string;
  readonly descending: boolean;
}

export interface TableWish {
  readonly filter: Filter;
  /** The first decides, the next break ties; none keeps newest first. */
  readonly sort: readonly SortKey[];
  readonly groupBy: readonly string[];
  readonly foldReplicates: boolean;
  /** Keys of groups and replicates whose members are shown. */
  readonly expanded: ReadonlySet<string>;
  /** Runs that stay on top whatever the filter and the order, such as the baseline. */
  readonly pinned: readonly string[];
  readonly showArchived: boolean;
  readonly hideFailed: boolean;
}

export const PLAIN_WISH: TableWish = {
  filter: EVERYTHING,
  sort: [],
  groupBy: [],
  foldReplicates: true,
  expanded: new Set(),
  pinned: [],
  showArchived: false,
  hideFailed: false,
};

export type TableLine =
  | { readonly kind: 'run'; readonly key: string; readonly row: number; readonly depth: number }
  | {
      readonly kind: 'group';
      readonly key: string;
      readonly group: RunGroup;
      readonly depth: number;
      readonly open: boolean;
    }
  | {
      readonly kind: 'replicates';
      readonly key: string;
      readonly rows: readonly number[];
      readonly depth: number;
      readonly open: boolean;
    };

export interface Arrangement {
  readonly pinned: readonly TableLine[];
  readonly lines: readonly TableLine[];
  /** Every run that passes the filter, in the order of the lines, closed groups included. */
  readonly rows: readonly number[];
  /** Runs that could be shown: all of them, archived ones only when they are asked for. */
  readonly total: number;
}

export function arrangeTable(runs: IndexedTable, wish: TableWish, nowMs: number): Arrangement {
  const { archived, states } = runs.table;
  const matching = filterRows(runs, wish.filter, nowMs).filter(
    (row) => (wish.showArchived || !archived[row]) && !(wish.hideFailed && states[row] === 'failed'),
  );
  const total = wish.showArchived ? runs.size : archived.reduce((sum, away) => sum + (away ? 0 : 1), 0);
  const pinnedRows = wish.pinned.flatMap((id) => runs.rowOf(id) ?? []);
  const lines: TableLine[] = [];
  const rows: number[] = [];
  if (wish.groupBy.length === 0) addRuns({ runs, wish, lines, rows, within: '' }, matching, 0);
  else {
    const groups = groupRows(runs, matching, wish.groupBy);
    for (const group of sortSets(runs, groups, wish.sort)) {
      const key = `group ${group.key}`;
      const open = wish.expanded.has(key);
      lines.push({ kind: 'group', key, group, depth: 0, open });
      addRuns({ runs, wish, lines: open ? lines : [], rows, within: group.key }, group.rows, 1);
    }
  }
  return {
    pinned: pinnedRows.map((row) => ({ kind: 'run', key: `pinned ${runs.table.ids[row]}`, row, depth: 0 })),
    lines,
    rows,
    total,
  };
}

interface Target {
  readonly runs: IndexedTable;
  readonly wish: TableWish;
  readonly lines: TableLine[];
  readonly rows: number[];
  /** Key of the group: two groups may hold a part of the same replicates each. */
  readonly within: string;
}

function addRuns(
  { runs, wish, lines, rows, within }: Target,
  members: readonly number[],
  depth: number,
): void {
  const addRun = (row: number, deeper: number) => {
    rows.push(row);
    lines.push({ kind: 'run', key: runs.table.ids[row]!, row, depth: deeper });
  };
  if (!wish.foldReplicates) {
    for (const row of sortRows(runs, members, wish.sort)) addRun(row, depth);
    return;
  }
  const sets: Replicates[] = foldReplicates(runs, members);
  for (const { key: replicateKey, rows: own, folded } of sortSets(runs, sets, wish.sort)) {
    if (!folded) {
      addRun(own[0]!, depth);
      continue;
    }
    const key = `replicates ${replicateKey} ${within}`;
    const open = wish.expanded.has(key);
    lines.push({ kind: 'replicates', key, rows: own, depth, open });
    const sorted = sortRows(runs, own, wish.sort);
    if (open) for (const row of sorted) addRun(row, depth + 1);
    else rows.push(...sorted);
  }
}

/** Missing values come last in either direction; equal ones keep the order in which they came. */
export function sortRows(
  runs: IndexedTable,
  rows: readonly number[],
  sort: readonly SortKey[],
): readonly number[] {
  if (sort.length === 0) return rows;
  const keys = sort.map(({ key, descending }) => ({ ranks: runs.ranks(key), sign: descending ? -1 : 1 }));
  // Sorting is stable, so that what is equal keeps its order.
  return [...rows].sort((one, other) => {
    for (const { ranks, sign } of keys) {
      const order = compareRanks(ranks[one]!, ranks[other]!, sign);
      if (order !== 0) return order;
    }
    return 0;
  });
}

function compareRanks(one: number, other: number, sign: number): number {
  if (one === other) return 0;
  const oneMissing = Number.isNaN(one);
  if (oneMissing || Number.isNaN(other)) {
    if (oneMissing && Number.isNaN(other)) return 0;
    return oneMissing ? 1 : -1;
  }
  return (one - other) * sign;
}

/** Groups stand by the mean of a column of numbers, else by their first member. */
function sortSets<Set extends { readonly rows: readonly number[] }>(
  runs: IndexedTable,
  sets: readonly Set[],
  sort: readonly SortKey[],
): readonly Set[] {
  if (sort.length === 0) return sets;
  const keys = sort.map(({ key, descending }) => {
    const ranks = runs.ranks(key);
    const numeric = runs.column(key)?.section === 'metrics';
    const ofSet = (set: Set) =>
      numeric && set.rows.length > 1
        ? (summaryOf(runs, set.rows, key)?.mean ?? Number.NaN)
        : ranks[set.rows[0]!]!;
    return { values: Float64Array.from(sets, ofSet), sign: descending ? -1 : 1 };
  });
  const order = sets.map((_, at) => at);
  order.sort((one, other) => {
    for (const { values, sign } of keys) {
      const found = compareRanks(values[one]!, values[other]!, sign);
      if (found !== 0) return found;
    }
    return one - other;
  });
  return order.map((at) => sets[at]!);
}
