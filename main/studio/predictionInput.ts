/** @file Runs under Node. Streams pairs to be predicted from CSV, TSV or JSONL of any size. */
import { extname } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { CsvRecords } from '../data/readers/csvRecords.ts';
import { MAX_LINE_BYTES, parserOf, type RecordParser, type TableRecord } from '../data/readers/records.ts';
import { type Line, readLines } from '../files/lines.ts';
import { openRegularFile, type RegularFile } from '../files/regularFile.ts';

export type PredictionFormat = 'csv' | 'tsv' | 'jsonl';

/** A row with the text that the model is asked about, and everything else it had, in order. */
export interface PredictionRow {
  readonly line: number;
  readonly premise: string;
  readonly hypothesis: string | null;
  readonly cells: ReadonlyMap<string, unknown>;
}

export type InputRow =
  | ({ readonly kind: 'pair' } & PredictionRow)
  | { readonly kind: 'rejected'; readonly line: number; readonly reason: string };

export interface InputOptions {
  readonly path: string;
  readonly format: PredictionFormat;
  /** Column of each text; guessed from the header when null. */
  readonly premise: string | null;
  readonly hypothesis: string | null;
  /** True for a model that was trained on pairs. */
  readonly pairs: boolean;
}

const PREMISE_NAMES = ['premise', 'sentence1', 'text_a', 'text1', 'question1', 'text', 'sentence', 'review'];
const HYPOTHESIS_NAMES = ['hypothesis', 'sentence2', 'text_b', 'text2', 'question2'];

/** By the file's extension. @throws StudioError USAGE for one that says nothing. */
export function predictionFormat(path: string): PredictionFormat {
  const format = extname(path).toLowerCase().slice(1);
  if (format === 'csv' || format === 'tsv' || format === 'jsonl') return format;
  throw new StudioError('USAGE', `The name ${path} does not say what is in it.`, {
    nextStep: 'Use a name that ends in .csv, .tsv or .jsonl.',
  });
}

/**
 * Rows in the order of the file. A row that cannot be used is reported, not thrown.
 * @throws StudioError UNREADABLE, NOT_FOUND or BAD_FILE for the file as a whole; USAGE when the columns are not there.
 */
export async function* readPredictionRows(options: InputOptions): AsyncGenerator<InputRow> {
  const file = openRegularFile(options.path);
  if (options.format === 'jsonl') yield* readJsonl(file, options);
  else yield* readDelimited(file, options, options.format === 'csv' ? ',' : '\t');
}

interface Columns {
  readonly premise: string;
  readonly hypothesis: string | null;
}

/** Which column is what: as given, or the first well-known name. */
function columnsOf(names: readonly string[], options: InputOptions): Columns {
  const find = (given: string | null, known: readonly string[], what: string): string => {
    const found =
      given === null
        ? names.find((name) => known.includes(name.trim().toLowerCase()))
        : names.find((name) => name === given);
    if (found !== undefined) return found;
    throw new StudioError(
      'USAGE',
      `There is no column for the ${what}; there are ${names.slice(0, 20).join(', ')}.`,
      {
        nextStep: `Name it: --mapping ${what}=COLUMN`,
        place: { file: options.path, line: 1 },
      },
    );
  };
  return {
    premise: find(options.premise, PREMISE_NAMES, 'premise'),
    hypothesis: options.pairs ? find(options.hypothesis, HYPOTHESIS_NAMES, 'hypothesis') : null,
  };
}

function rowOf(line: number, cells: ReadonlyMap<string, unknown>, columns: Columns): InputRow {
  const premise = cells.get(columns.premise);
  const hypothesis = columns.hypothesis === null ? null : cells.get(columns.hypothesis);
  if (typeof premise !== 'string' || premise.trim() === '')
    return { kind: 'rejected', line, reason: 'no premise' };
  if (hypothesis !== null && (typeof hypothesis !== 'string' || hypothesis.trim() === '')) {
    return { kind: 'rejected', line, reason: 'no hypothesis' };
  }
  return { kind: 'pair', line, premise, hypothesis, cells };
}

async function* readJsonl(file: RegularFile, options: InputOptions): AsyncGenerator<InputRow> {
  let columns: Columns | null = null;
  for await (const lines of readLines(file.stream(), { maxLineBytes: MAX_LINE_BYTES })) {
    for (const { number, text, problem } of lines) {
      if (problem !== null) yield { kind: 'rejected', line: number, reason: problem };
      else if (text.trim() !== '') {
        const cells = objectOf(text);
        if (cells === null) yield { kind: 'rejected', line: number, reason: 'no JSON object' };
        else {
          columns ??= columnsOf([...cells.keys()], options);
          yield rowOf(number, cells, columns);
        }
      }
    }
  }
}

/** A Map, so that a key called __proto__ is an ordinary one. */
function objectOf(text: string): Map<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? new Map(Object.entries(value))
      : null;
  } catch {
    return null;
  }
}

/** What is known of a table once its header is read. */
interface Table {
  readonly names: readonly string[];
  readonly columns: Columns;
  readonly parser: RecordParser;
}

async function* readDelimited(
  file: RegularFile,
  options: InputOptions,
  delimiter: ',' | '\t',
): AsyncGenerator<InputRow> {
  let table: Table | null = null;
  for await (const lines of readLines(file.stream(), { maxLineBytes: MAX_LINE_BYTES })) {
    const fresh: readonly Line[] = table === null ? withoutHeader(lines) : lines;
    table ??= tableOf(lines, options, delimiter);
    if (table === null) continue;
    for (const record of table.parser.push(fresh)) yield rowOfRecord(record, table);
  }
  if (table !== null) for (const record of table.parser.end()) yield rowOfRecord(record, table);
}

function withoutHeader(lines: readonly Line[]): readonly Line[] {
  return lines.slice(lines.findIndex(isFilled) + 1);
}

function isFilled({ text, problem }: Line): boolean {
  return text !== '' || problem !== null;
}

/** The table whose header is the first line that is not empty; null while there is none. */
function tableOf(lines: readonly Line[], options: InputOptions, delimiter: ',' | '\t'): Table | null {
  const header = lines.find(isFilled);
  if (header === undefined) return null;
  if (header.problem !== null) {
    throw new StudioError('BAD_FILE', `The header cannot be read: ${header.problem}.`, {
      nextStep: 'Save the file as UTF-8 text with a header line.',
      place: { file: options.path, line: header.number },
    });
  }
  const names = delimiter === ',' ? csvHeader(header) : header.text.split('\t');
  const layout =
    delimiter === ','
      ? ({ kind: 'csv', delimiter, columns: names } as const)
      : ({ kind: 'tsv', columns: names } as const);
  return { names, columns: columnsOf(names, options), parser: parserOf(layout) };
}

function csvHeader(header: Line): readonly string[] {
  const parser = new CsvRecords(',', null);
  const record = [...parser.push([header]), ...parser.end()][0];
  return record?.problem === null ? record.values : header.text.split(',');
}

function rowOfRecord({ line, values, problem }: TableRecord, { names, columns }: Table): InputRow {
  if (problem !== null) return { kind: 'rejected', line, reason: problem };
  return rowOf(line, new Map(names.map((name, index) => [name, values[index]!])), columns);
}
