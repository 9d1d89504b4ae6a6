/** @file Runs in the page. Filters written as a person would type them, so that they are read back as the same. */
import type { Filter, FilterValue } from './filter.ts';
import { UNIT_MS } from './filterWords.ts';

/** A filter as text that is read back as the same filter. */
export function filterAsText(filter: Filter): string {
  if (filter.kind === 'search') return quoted(filter.text);
  if (filter.kind === 'not') return `not ${bracketed(filter.of)}`;
  if (filter.kind !== 'condition') {
    const joint = ` ${filter.kind} `;
    return filter.of
      .map((inner) => (filter.of.length > 1 ? bracketed(inner) : filterAsText(inner)))
      .join(joint);
  }
  const { field, operator, value } = filter;
  if (operator === 'empty' || operator === 'not empty') return `${field} is ${operator}`;
  if (operator === 'within') return `${field} within ${timeSpanText(Number(value))}`;
  const text = Array.isArray(value) ? `(${value.map(valueText).join(', ')})` : valueText(value);
  return `${field} ${operator} ${text}`;
}

function bracketed(filter: Filter): string {
  const single = filter.kind === 'condition' || filter.kind === 'search';
  return single ? filterAsText(filter) : `(${filterAsText(filter)})`;
}

function timeSpanText(milliseconds: number): string {
  const [unit, size] = [...UNIT_MS].reverse().find(([, ms]) => milliseconds % ms === 0) ?? ['minute', 60_000];
  return `${milliseconds / size} ${unit}s`;
}

function valueText(value: FilterValue): string {
  return typeof value === 'string' ? quoted(value) : String(value);
}

function quoted(text: string): string {
  const bare =
    /^[\p{L}\p{N}._/+%-]+$/u.test(text) && !/^(and|or|not|in|has|contains|within|is|empty|last)$/i.test(text);
  return bare ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
