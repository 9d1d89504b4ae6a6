/** @file Node. Looks at the beginning of a data file: how it is written, which columns it has, what its rows look like. */
import { extname } from 'node:path';
import type { ColumnMapping } from '../../../shared/datasets.ts';
import { StudioError } from '../../../shared/errors.ts';
import { type Line, readLines } from '../../files/lines.ts';
import { requireText } from '../../files/regularFile.ts';
import { CsvRecords } from './csvRecords.ts';
import type { DataFile } from './locate.ts';
import { isParquet } from './parquetHead.ts';
import type { ParquetTable } from './parquetTable.ts';
import { MAX_LINE_BYTES } from './records.ts';

/** What the first lines say. For JSONL `columns` are the keys of the first object. */
export interface Description {
  readonly file: DataFile;
  readonly kind: 'tsv' | 'csv' | 'jsonl' | 'parquet';
  /** Between columns; empty for what has none. */
  readonly delimiter: string;
  readonly columns: readonly string[];
  /** Of a Parquet file only. */
  readonly table: ParquetTable | null;
}

const KIND_OF_EXTENSION: ReadonlyMap<string, 'tsv' | 'csv' | 'jsonl'> = new Map([
  ['.tsv', 'tsv'],
  ['.csv', 'csv'],
  ['.jsonl', 'jsonl'],
  ['.ndjson', 'jsonl'],
]);
const KIND_OF_FORMAT: Readonly<Record<ColumnMapping['format'], Description['kind']>> = {
  'snli-txt': 'tsv',
  'snli-jsonl': 'jsonl',
  tsv: 'tsv',
  csv: 'csv',
  jsonl: 'jsonl',
  parquet: 'parquet',
};
/** A header may go over several lines in quotes, but not over many. */
const MAX_HEADER_LINES = 50;

/**
 * @param format how the file is to be read; told from its name and first line when null.
 * @throws StudioError BAD_FILE when it is empty, has no rows, is binary, or its header cannot be read; whatever its
 * bytes throw.
 */
export async function describeFile(
  file: DataFile,
  format: ColumnMapping['format'] | null,
): Promise<Description> {
  const isTable = await beginsAsParquet(file);
  if (isTable || (format !== null && KIND_OF_FORMAT[format] === 'parquet')) return describeParquet(file);
  const lines = await firstLines(file);
  const first = lines[0];
  if (first === undefined) throw badFile(file, 'is empty', 'Name a file with a header and one row a line.');
  if (first.problem !== null) throw unreadableHeader(file, first);
  const kind = format === null ? kindOf(file, first.text) : KIND_OF_FORMAT[format];
  if (kind === 'parquet') return describeParquet(file);
  const description = kind === 'jsonl' ? describeJsonl(file, first) : describeTable(file, kind, lines);
  if (kind !== 'jsonl' && lines.length === 1) {
    throw badFile(file, 'has a header but no rows', 'Name a file with at least one row.');
  }
  return description;
}

async function beginsAsParquet(file: DataFile): Promise<boolean> {
  for await (const chunk of file.chunks()) return isParquet(chunk);
  return false;
}

async function describeParquet(file: DataFile): Promise<Description> {
  if (!file.onDisk) throw badFile(file, 'is a Parquet file in an archive', 'Unpack the archive first.');
  // Loaded here, because most data sets are text.
  const { openParquet } = await import('./parquetTable.ts');
  const table = await openParquet(file.path);
  if (table.rows === 0) throw badFile(file, 'has columns but no rows', 'Name a file with at least one row.');
  return { file, kind: 'parquet', delimiter: '', columns: table.columns, table };
}

/** The first lines that are not blank; enough for a header and whatever comes after it. */
async function firstLines(file: DataFile): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const block of readLines(sniffed(file), { maxLineBytes: MAX_LINE_BYTES })) {
    for (const line of block) if (line.problem !== null || line.text.trim() !== '') lines.push(line);
    if (lines.length >= 2) break;
  }
  return lines.slice(0, MAX_HEADER_LINES);
}

async function* sniffed(file: DataFile): AsyncGenerator<Uint8Array> {
  let first = true;
  for await (const chunk of file.chunks()) {
    if (first) requireText(chunk.subarray(0, 4096), file.path);
    first = false;
    yield chunk;
  }
}

function kindOf(file: DataFile, firstLine: string): 'tsv' | 'csv' | 'jsonl' {
  const named = KIND_OF_EXTENSION.get(extname(file.name).toLowerCase());
  if (named !== undefined) return named;
  const text = firstLine.trimStart();
  if (text.startsWith('{')) return 'jsonl';
  if (text.startsWith('[')) {
    throw badFile(
      file,
      'is one JSON array',
      "Write one object a line, for instance with: jq -c '.[]' FILE > FILE.jsonl",
    );
  }
  return firstLine.includes('\t') ? 'tsv' : 'csv';
}

function describeTable(file: DataFile, kind: 'tsv' | 'csv', lines: readonly Line[]): Description {
  const header = lines[0]!;
  if (kind === 'tsv') return { file, kind, delimiter: '\t', columns: header.text.split('\t'), table: null };
  const delimiter = delimiterOf(header.text);
  const [record] = new CsvRecords(delimiter, null).push(lines);
  if (record === undefined || record.problem !== null) throw unreadableHeader(file, header);
  return { file, kind, delimiter, columns: record.values, table: null };
}

/** Some programs write semicolons (where the comma is the decimal sign) or tabs into files called CSV. */
function delimiterOf(header: string): string {
  const counts = [',', ';', '\t'].map((one) => ({ one, count: header.split(one).length - 1 }));
  return counts.toSorted((a, b) => b.count - a.count)[0]!.one;
}

function describeJsonl(file: DataFile, first: Line): Description {
  let object: unknown = null;
  try {
    object = JSON.parse(first.text);
  } catch {
    // Said below, for a line that is JSON but no object too.
  }
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    throw new StudioError('BAD_FILE', `Line ${first.number} of ${file.path} is not a JSON object.`, {
      nextStep:
        'A JSONL file has one object a line, such as {"sentence1": "…", "sentence2": "…", "gold_label": "…"}.',
      place: { file: file.path, line: first.number },
    });
  }
  return { file, kind: 'jsonl', delimiter: '', columns: Object.keys(object), table: null };
}

function unreadableHeader(file: DataFile, line: Line): StudioError {
  const what =
    line.problem === null ? 'has a quote that is never closed' : `is not readable (${line.problem})`;
  return new StudioError('BAD_FILE', `The first line of ${file.path} ${what}.`, {
    nextStep: 'The first line must hold the names of the columns, in UTF-8.',
    place: { file: file.path, line: line.number },
  });
}

function badFile(file: DataFile, what: string, nextStep: string): StudioError {
  return new StudioError('BAD_FILE', `${file.path} ${what}.`, { nextStep, place: { file: file.path } });
}
