/**
 * @file Runs in the page. Filters over runs: conditions with operators of the column's type, joined by and, or, not.
 * A filter is plain data (it is kept in views); compiled, it is a function from row to yes or no.
 */
import { z } from 'zod';
import type { ColumnKind } from './columnNames.ts';
import { type Cell, type IndexedTable, nameOf } from './indexedTable.ts';

export const OPERATORS = [
  '=',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'in',
  'not in',
  'contains',
  'not contains',
  'has',
  'not has',
  'within',
  'empty',
  'not empty',
] as const;
export type Operator = (typeof OPERATORS)[number];

/** `within` takes milliseconds before now; `empty` takes no value. */
export type FilterValue = string | number | boolean | null | readonly (string | number | boolean)[];

export interface Condition {
  readonly kind: 'condition';
  readonly field: string;
  readonly operator: Operator;
  readonly value: FilterValue;
}

export type Filter =
  | Condition
  | { readonly kind: 'search'; readonly text: string }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly kind: 'not'; readonly of: Filter };

/** Lets every run through. */
export const EVERYTHING: Filter = { kind: 'and', of: [] };

const plain = z.union([z.string(), z.number(), z.boolean()]);
/** For filters that come back from a stored view. */
export const filterSchema: z.ZodType<Filter> = z.lazy(() =>
  z.union([
    z.strictObject({
      kind: z.literal('condition'),
      field: z.string(),
      operator: z.enum(OPERATORS),
      value: z.union([plain, z.null(), z.array(plain)]),
    }),
    z.strictObject({ kind: z.literal('search'), text: z.string() }),
    z.strictObject({ kind: z.enum(['and', 'or']), of: z.array(filterSchema) }),
    z.strictObject({ kind: z.literal('not'), of: filterSchema }),
  ]),
);

/** The operators that make sense for a column, in the order in which a menu shows them. */
export function operatorsOf(kind: ColumnKind): readonly Operator[] {
  if (kind === 'tags') return ['has', 'not has', 'empty', 'not empty'];
  if (kind === 'time') return ['within', '<', '>', 'empty', 'not empty'];
  if (kind === 'boolean') return ['=', '!='];
  if (kind === 'state') return ['=', '!=', 'in', 'not in'];
  if (kind === 'text') return ['=', '!=', 'contains', 'not contains', 'in', 'not in', 'empty', 'not empty'];
  return ['>', '>=', '<', '<=', '=', '!=', 'in', 'not in', 'empty', 'not empty'];
}

type Test = (row: number) => boolean;

/** `nowMs` is what "within the last day" counts from. */
export function compileFilter(runs: IndexedTable, filter: Filter, nowMs: number): Test {
  switch (filter.kind) {
    case 'and': {
      const tests = filter.of.map((inner) => compileFilter(runs, inner, nowMs));
      return (row) => tests.every((test) => test(row));
    }
    case 'or': {
      const tests = filter.of.map((inner) => compileFilter(runs, inner, nowMs));
      return (row) => tests.length === 0 || tests.some((test) => test(row));
    }
    case 'not': {
      const test = compileFilter(runs, filter.of, nowMs);
      return (row) => !test(row);
    }
    case 'search':
      return compileSearch(runs, filter.text);
    case 'condition':
      return compileCondition(runs, filter, nowMs);
  }
}

/** The rows that pass, in the table's order. */
export function filterRows(runs: IndexedTable, filter: Filter, nowMs: number): number[] {
  const test = compileFilter(runs, filter, nowMs);
  const rows: number[] = [];
  for (let row = 0; row < runs.size; row++) if (test(row)) rows.push(row);
  return rows;
}

function compileSearch({ table }: IndexedTable, text: string): Test {
  const wanted = text.toLowerCase();
  const has = (hay: string | null | undefined) => hay?.toLowerCase().includes(wanted) === true;
  return (row) =>
    has(nameOf(table, row)) ||
    has(table.ids[row]) ||
    has(table.experiments[row]) ||
    has(table.notes[row]) ||
    table.tags[row]?.some(has) === true;
}

function compileCondition(runs: IndexedTable, condition: Condition, nowMs: number): Test {
  const passes = cellTest(condition, nowMs);
  const setting = runs.table.settings.find(({ key }) => key === condition.field);
  if (setting !== undefined) {
    // A column of settings has few distinct values: each is judged once.
    const verdicts = setting.values.map(passes);
    const missing = passes(null);
    return (row) => verdicts[setting.codes[row] ?? -1] ?? missing;
  }
  const read = runs.reader(condition.field);
  return (row) => passes(read(row));
}

const NEGATED: ReadonlyMap<Operator, Operator> = new Map([
  ['!=', '='],
  ['not in', 'in'],
  ['not contains', 'contains'],
  ['not has', 'has'],
  ['not empty', 'empty'],
]);

function cellTest({ operator, value, field }: Condition, nowMs: number): (cell: Cell) => boolean {
  const positive = NEGATED.get(operator);
  if (positive !== undefined) {
    const test = cellTest({ kind: 'condition', field, operator: positive, value }, nowMs);
    return (cell) => !test(cell);
  }
  if (operator === 'empty')
    return (cell) => cell === null || (typeof cell === 'object' && cell.length === 0) || cell === '';
  if (operator === 'within') return (cell) => typeof cell === 'number' && cell >= nowMs - Number(value);
  if (operator === 'in') {
    const wanted = Array.isArray(value) ? (value as readonly (string | number | boolean)[]) : [value];
    return (cell) => wanted.some((one) => isSame(cell, one as string | number | boolean | null));
  }
  if (operator === 'contains' || operator === 'has') return textTest(operator, String(value).toLowerCase());
  if (operator === '=') return (cell) => isSame(cell, value);
  return orderTest(operator, value);
}

function textTest(operator: 'contains' | 'has', wanted: string): (cell: Cell) => boolean {
  return (cell) => {
    if (cell === null) return false;
    const parts = typeof cell === 'object' ? cell : [String(cell)];
    return parts.some((part) =>
      operator === 'has' ? part.toLowerCase() === wanted : part.toLowerCase().includes(wanted),
    );
  };
}

/** Texts are equal whatever their case; "1e-4" equals 0.0001; a list equals one of its members. */
function isSame(cell: Cell, wanted: FilterValue): boolean {
  if (cell === null || wanted === null || typeof wanted === 'object') return cell === wanted;
  if (typeof cell === 'object') return cell.some((part) => isSame(part, wanted));
  if (typeof cell === 'number') return cell === Number(wanted) && wanted !== '';
  return String(cell).toLowerCase() === String(wanted).toLowerCase();
}

function orderTest(operator: Operator, value: FilterValue): (cell: Cell) => boolean {
  const bound = Number(value);
  const compare = (cell: number) => {
    if (operator === '<') return cell < bound;
    if (operator === '<=') return cell <= bound;
    return operator === '>' ? cell > bound : cell >= bound;
  };
  return (cell) => typeof cell === 'number' && compare(cell);
}
