/** @file Runs anywhere. Cells of delimited text that a spreadsheet may open: quoted where needed, never a formula. */

/** What a spreadsheet takes for the beginning of a formula (CWE-1236). */
const FORMULA_START = /^[=+\-@\t\r]/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/**
 * One cell of CSV or TSV as RFC 4180 writes it. Text that a spreadsheet would run as a formula gets a leading
 * apostrophe, numbers stay numbers (-0.5 is untouched), and NUL, which cuts text off in some programs, is dropped.
 */
export function delimitedCell(value: string | number, delimiter: ',' | '\t'): string {
  const text = String(value).replaceAll('\0', '');
  const safe = FORMULA_START.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  const quoted = /["\r\n]/.test(safe) || safe.includes(delimiter);
  return quoted ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function delimitedLine(values: readonly (string | number)[], delimiter: ',' | '\t'): string {
  return `${values.map((value) => delimitedCell(value, delimiter)).join(delimiter)}\n`;
}
