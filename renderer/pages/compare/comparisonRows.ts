/** @file Runs in the page. The table of a comparison as data: a line a setting or metric, a cell a run. Pure. */

import type { ComparisonRow, RunComparison } from '../../../shared/comparison.ts';
import type { MetricColumn } from '../../../shared/contract/runs.ts';
import {
  type Better,
  type ColumnKind,
  metricBetter,
  metricKind,
  metricName,
  settingName,
} from '../../table/columnNames.ts';
import { type Delta, deltaTo } from '../../table/delta.ts';
import { formatCell, formatDelta, MISSING } from '../../table/format.ts';
import { type IndexedTable, measuredAt } from '../../table/indexedTable.ts';

export interface ComparedCell {
  readonly text: string;
  readonly delta: (Delta & { readonly text: string }) | null;
  /** The best of its line, where there is a better and a worse. */
  readonly best: boolean;
}

export interface ComparedLine {
  readonly key: string;
  readonly name: string;
  readonly differs: boolean;
  readonly better: Better | null;
  readonly cells: readonly ComparedCell[];
}

export interface ComparedSection {
  readonly title: string;
  readonly lines: readonly ComparedLine[];
  /** Lines that say the same of every run. */
  readonly identical: number;
}

export interface SectionsWish {
  readonly differencesOnly: boolean;
  readonly search: string;
  /** Place of the baseline among the runs; null without one. */
  readonly baseline: number | null;
}

const SECTIONS: readonly (readonly [title: string, prefix: RegExp])[] = [
  ['Hyperparameters', /^hyperparameters\./],
  ['Data', /^(dataset\.|vocabularyHash)/],
  ['Model', /^(model\.|startFrom)/],
  ['Engine', /^engine/],
  ['Environment', /^environment\./],
];

/** What comes first in a comparison: what came out. `ids` are in the order of the columns. */
export function metricSection(
  runs: IndexedTable,
  ids: readonly string[],
  wish: SectionsWish,
): ComparedSection {
  const rows = ids.map((id) => runs.rowOf(id));
  const lines = inReadingOrder(runs.table.metrics).flatMap((column): ComparedLine[] => {
    const { key } = column;
    const own = rows.map((row) => (row === undefined ? null : measuredAt(column, row)));
    if (own.every((value) => value === null)) return [];
    return [
      numberLine({ key, name: metricName(key), kind: metricKind(key), better: metricBetter(key) }, own, wish),
    ];
  });
  return section('Results', toldApart(lines), wish);
}

/** What the table measures under several names: the last value of a metric, its best, and that of the run's end. */
const FINALS: ReadonlyMap<string, string> = new Map([
  ['result/testAccuracy', 'test/accuracy'],
  ['result/devAccuracy', 'dev/accuracy'],
  ['result/trainAccuracy', 'epoch/trainAccuracy'],
  ['result/trainLoss', 'epoch/trainLoss'],
  ['result/pairsPerSecond', 'epoch/pairsPerSecond'],
]);
const measureOf = (key: string) => FINALS.get(key) ?? key.replace(/^best\//, '');

/**
 * A line that says of every run what another line of the same measure says is left out. Where several are left, the
 * plain one is named for what it is: the last value, which need be neither the best nor that of the weights kept.
 */
function toldApart(lines: readonly ComparedLine[]): ComparedLine[] {
  const textOf = ({ cells }: ComparedLine) => JSON.stringify(cells.map(({ text }) => text));
  const families = Map.groupBy(lines, ({ key }) => measureOf(key));
  const kept = new Map<ComparedLine, string>();
  for (const [measure, family] of families) {
    const plainFirst = family.toSorted((one, other) =>
      one.key === measure ? -1 : other.key === measure ? 1 : 0,
    );
    const distinct = plainFirst.filter(
      (line, at) => plainFirst.findIndex((other) => textOf(other) === textOf(line)) === at,
    );
    for (const line of distinct) {
      const isPlain = line.key === measure && distinct.length > 1;
      kept.set(line, isPlain ? `Last ${line.name.charAt(0).toLowerCase()}${line.name.slice(1)}` : line.name);
    }
  }
  return lines.flatMap((line) => {
    const name = kept.get(line);
    return name === undefined ? [] : [{ ...line, name }];
  });
}

/** What a run is judged by comes first: test before dev before training, accuracy before loss, machines last. */
const READING_ORDER: readonly RegExp[] = [
  /^(best\/)?test\/accuracy|^result\/testAccuracy/,
  /^(best\/)?test\//,
  /^(best\/)?dev\/accuracy|^result\/devAccuracy/,
  /^(best\/)?dev\//,
  /^result\/|^running\//,
  /^epoch\//,
  /^step\//,
];

function inReadingOrder(metrics: readonly MetricColumn[]): MetricColumn[] {
  const place = ({ key }: MetricColumn) => {
    const found = READING_ORDER.findIndex((prefix) => prefix.test(key));
    return found < 0 ? READING_ORDER.length : found;
  };
  return [...metrics].sort((one, other) => place(one) - place(other));
}

/** A line for every setting, in sections; the runs of the comparison stand in the order of the columns. */
export function settingSections({ settings }: RunComparison, wish: SectionsWish): ComparedSection[] {
  const left = new Set(settings);
  const sections = SECTIONS.map(([title, prefix]) => {
    const own = settings.filter((row) => left.has(row) && prefix.test(row.key));
    for (const row of own) left.delete(row);
    return section(
      title,
      own.map((row) => settingLine(row, wish)),
      wish,
    );
  });
  const rest = settings.filter((row) => left.has(row));
  return [
    ...sections,
    section(
      'Other',
      rest.map((row) => settingLine(row, wish)),
      wish,
    ),
  ].filter(({ lines, identical }) => lines.length + identical > 0);
}

function section(
  title: string,
  lines: readonly ComparedLine[],
  { differencesOnly, search }: SectionsWish,
): ComparedSection {
  const wanted = search.trim().toLowerCase();
  const found = lines.filter(
    ({ name, key }) => name.toLowerCase().includes(wanted) || key.toLowerCase().includes(wanted),
  );
  const shown = differencesOnly ? found.filter(({ differs }) => differs) : found;
  return { title, lines: shown, identical: found.length - found.filter(({ differs }) => differs).length };
}

function settingLine({ key, values, differs }: ComparisonRow, { baseline }: SectionsWish): ComparedLine {
  const numeric = values.every((value) => value === null || typeof value === 'number');
  const name = settingName(key);
  if (numeric && differs) {
    const kind: ColumnKind = /bytes$/i.test(key) ? 'bytes' : 'number';
    const own = values.map((value) => (typeof value === 'number' ? value : null));
    return { ...numberLine({ key, name, kind, better: null }, own, { baseline }), differs };
  }
  const cells = values.map((value) => ({ text: formatCell('text', value), delta: null, best: false }));
  return { key, name, differs, better: null, cells };
}

interface NumberColumn {
  readonly key: string;
  readonly name: string;
  readonly kind: ColumnKind;
  readonly better: Better | null;
}

function numberLine(
  { key, name, kind, better }: NumberColumn,
  values: readonly (number | null)[],
  { baseline }: Pick<SectionsWish, 'baseline'>,
): ComparedLine {
  const base = baseline === null ? null : (values[baseline] ?? null);
  const known = values.filter((value): value is number => value !== null && Number.isFinite(value));
  const best =
    better === null || known.length < 2
      ? null
      : better === 'higher'
        ? Math.max(...known)
        : Math.min(...known);
  const differs = values.some((value) => !Object.is(value, values[0]));
  const cells = values.map((value, at): ComparedCell => {
    const delta = at === baseline ? null : deltaTo(base, value, better);
    return {
      text: formatCell(kind, value),
      delta: delta === null ? null : { ...delta, text: formatDelta(kind, delta.value) },
      best: differs && best !== null && value === best,
    };
  });
  return { key, name, differs, better, cells };
}

/** A cell for a file: the value, and how far it is from the baseline. */
export function cellText({ text, delta }: ComparedCell): string {
  return delta === null || text === MISSING ? text : `${text} (${delta.text})`;
}
