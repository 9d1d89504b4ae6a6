/** @file Runs in the page. Which columns tell runs apart, and which say the same of every run. */
import { type Column, type IndexedTable, measuredAt, SEED_KEY } from './indexedTable.ts';

export interface ColumnSplit {
  readonly differing: readonly Column[];
  /** Said once below the table instead of in every row. */
  readonly identical: readonly Column[];
}

/** Keys that follow from others or name contents: they would repeat what another column says. */
const DERIVED =
  /^(dataset\.(id|contentHash|labels|sentencesPerExample)|vocabularyHash|model\.|environment\.)/;

/**
 * Settings of the given rows. Folded replicates have no seed of their own, so that the seed then tells nothing apart.
 */
export function splitSettings(runs: IndexedTable, rows: readonly number[], folded: boolean): ColumnSplit {
  const differing: Column[] = [];
  const identical: Column[] = [];
  for (const { key, codes, values } of runs.table.settings) {
    const column = runs.column(key)!;
    const first = rows[0];
    const same =
      first === undefined ||
      (folded && key === SEED_KEY) ||
      // Most columns say one thing of all runs, which is quickly seen.
      (values.length === 1 && !Array.prototype.includes.call(codes, -1)) ||
      rows.every((row) => codes[row] === codes[first]);
    if (!same && !DERIVED.test(key)) differing.push(column);
    else if (values.length > 0 && !DERIVED.test(key)) identical.push(column);
  }
  return { differing, identical };
}

/** Metrics that at least one of the rows has. */
export function measuredColumns(runs: IndexedTable, rows: readonly number[]): Column[] {
  return runs.table.metrics
    .filter((column) => rows.some((row) => measuredAt(column, row) !== null))
    .map(({ key }) => runs.column(key)!);
}
