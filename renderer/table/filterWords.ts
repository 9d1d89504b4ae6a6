/** @file Runs in the page. The words and signs of a typed filter: what is read, and what is written. */
import type { Operator } from './filter.ts';

/** Signs, and what they ask of a column. */
export const SYMBOLS: ReadonlyMap<string, Operator> = new Map([
  ['=', '='],
  ['==', '='],
  [':', '='],
  ['!=', '!='],
  ['<', '<'],
  ['<=', '<='],
  ['>', '>'],
  ['>=', '>='],
  ['~', 'contains'],
  ['!~', 'not contains'],
]);
/** Words between a column and a value; some may follow a "not". */
export const WORD_OPERATORS: ReadonlySet<string> = new Set(['in', 'contains', 'has', 'within', 'is']);
/** Units of a time span, from the shortest on. */
export const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['minute', 60_000],
  ['hour', 3_600_000],
  ['day', 86_400_000],
  ['week', 604_800_000],
]);
