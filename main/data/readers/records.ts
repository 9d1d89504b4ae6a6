/** @file Node. Lines of a table to records: the values of its columns, or the reason why there are none. */
import { type Line, readLines } from '../../files/lines.ts';
import { CsvRecords } from './csvRecords.ts';
import type { RejectReason } from './source.ts';

/** No honest sentence pair comes near; a line over it is rejected without being held. */
export const MAX_LINE_BYTES = 64 * 1024;

/** How a table is written, and which columns it has. */
export type Layout =
  | { readonly kind: 'tsv'; readonly columns: readonly string[] }
  | { readonly kind: 'csv'; readonly delimiter: string; readonly columns: readonly string[] }
  /** `columns` are the keys that are wanted; one of `optional` may be absent and is then empty. */
  | { readonly kind: 'jsonl'; readonly columns: readonly string[]; readonly optional: ReadonlySet<string> };

export interface TableRecord {
  /** Counted from 1; the first line of a record that goes over several. */
  readonly line: number;
  /** By column; empty when there is a problem. */
  readonly values: readonly string[];
  readonly problem: RejectReason | null;
}

/** Turns blocks of lines into records; keeps what is not complete. */
export interface RecordParser {
  push(lines: readonly Line[]): TableRecord[];
  /** What is left at the end of the file. */
  end(): TableRecord[];
}

/** Records of a file without its header, in blocks. @throws whatever the file's bytes throw. */
export async function* readRecords(
  chunks: AsyncIterable<Uint8Array>,
  layout: Layout,
): AsyncGenerator<readonly TableRecord[]> {
  const parser = parserOf(layout);
  let headerSeen = layout.kind === 'jsonl';
  for await (const lines of readLines(chunks, { maxLineBytes: MAX_LINE_BYTES })) {
    const records = parser.push(lines);
    if (!headerSeen && records.length > 0) {
      headerSeen = true;
      records.shift();
    }
    if (records.length > 0) yield records;
  }
  const rest = parser.end();
  if (rest.length > 0) yield headerSeen ? rest : rest.slice(1);
}

export function parserOf(layout: Layout): RecordParser {
  if (layout.kind === 'csv') return new CsvRecords(layout.delimiter, layout.columns.length);
  const parse =
    layout.kind === 'tsv' ? tsvRecord(layout.columns.length) : jsonRecord(layout.columns, layout.optional);
  return {
    push: (lines) => {
      const records: TableRecord[] = [];
      for (const line of lines) {
        if (line.problem !== null) records.push({ line: line.number, values: [], problem: line.problem });
        else if (line.text !== '') records.push(parse(line));
      }
      return records;
    },
    end: () => [],
  };
}

function tsvRecord(columns: number): (line: Line) => TableRecord {
  return ({ number, text, terminated }) => {
    const values = text.split('\t');
    if (values.length === columns) return { line: number, values, problem: null };
    const cutOff = !terminated && values.length < columns;
    return { line: number, values: [], problem: cutOff ? 'truncated last line' : 'wrong column count' };
  };
}

function jsonRecord(columns: readonly string[], optional: ReadonlySet<string>): (line: Line) => TableRecord {
  return ({ number, text, terminated }) => {
    const problem = (reason: RejectReason) => ({ line: number, values: [], problem: reason });
    let object: unknown;
    try {
      object = JSON.parse(text);
    } catch {
      return problem(terminated ? 'not a JSON object' : 'truncated last line');
    }
    if (typeof object !== 'object' || object === null || Array.isArray(object))
      return problem('not a JSON object');
    const values: string[] = [];
    for (const column of columns) {
      const value = textOf(
        Object.hasOwn(object, column) ? (object as Record<string, unknown>)[column] : undefined,
      );
      if (value === null && !optional.has(column)) return problem('missing column');
      values.push(value ?? '');
    }
    return { line: number, values, problem: null };
  };
}

/** A JSON value as a cell's text; null for what is no text: nothing at all, an array, an object. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value === null ? '' : null;
}
