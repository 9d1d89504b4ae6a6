/** @file Tests. Short ways to write data files and to look at the rows that come out of them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SNLI_COLUMNS } from '../../main/data/mapping.ts';
import {
  type OpenOptions,
  openSource,
  type PairSource,
  type SourceRow,
} from '../../main/data/readers/open.ts';
import { temporaryFolder } from './temporaryFolder.ts';

/** Writes a file into a fresh folder and returns its path. */
export function fileWith(name: string, content: string | Uint8Array): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, content);
  return path;
}

/** One line of SNLI's official text layout, without a line end. Texts are given as tokens. */
export function snliLine(label: string, premise: string, hypothesis: string): string {
  const parse = (text: string) =>
    `( ${text.split(' ').join(' ( ')} ${') '.repeat(text.split(' ').length - 1)})`;
  const columns = [label, parse(premise), parse(hypothesis), '(ROOT x)', '(ROOT x)', premise, hypothesis];
  return [...columns, 'img', 'pair', label, '', '', '', ''].join('\t');
}

export const SNLI_HEADER = SNLI_COLUMNS.join('\t');

/** SNLI's layout with these lines. */
export function snliText(lines: readonly string[], lineEnd = '\n'): string {
  return [SNLI_HEADER, ...lines, ''].join(lineEnd);
}

export async function allRows(source: PairSource, signal?: AbortSignal): Promise<SourceRow[]> {
  const rows: SourceRow[] = [];
  for await (const block of source.rows(signal)) rows.push(...block);
  return rows;
}

/** Opens, reads everything, closes. */
export async function read(
  path: string,
  options?: OpenOptions,
): Promise<{ source: PairSource; rows: SourceRow[] }> {
  const source = await openSource(path, options);
  try {
    return { source, rows: await allRows(source) };
  } finally {
    await source.close();
  }
}

/** A row in few words: `12 train 0 premise | hypothesis`, `12 unlabelled` or `12 rejected: reason`. */
export function brief(row: SourceRow): string {
  if (row.kind === 'unlabelled') return `${row.line} unlabelled`;
  if (row.kind === 'rejected') return `${row.line} rejected: ${row.reason}`;
  const texts = [row.premise, row.hypothesis].flatMap((one) => (one === null ? [] : [one.tokens]));
  return `${row.line} ${row.split ?? '?'} ${row.label} ${texts.join(' | ')}`;
}

/** Opens, reads everything, closes; rows in few words. */
export async function briefRows(path: string, options?: OpenOptions): Promise<string[]> {
  return (await read(path, options)).rows.map(brief);
}
