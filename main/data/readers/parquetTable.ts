/**
 * @file Node. A Parquet file as a table: flat columns of text and numbers, read row group by row group, never more of it
 * in memory than one row group of the columns that are wanted.
 */
import type { FileMetaData, RowGroup, SchemaTree } from 'hyparquet';
import { parquetMetadataAsync, parquetRead, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { StudioError } from '../../../shared/errors.ts';
import { type ByteSource, openFileBytes } from '../../files/byteSource.ts';
import { formatBytes } from '../../files/disk.ts';
import { readError } from '../../files/fileErrors.ts';
import { type ClassNames, classNamesOfFooter } from './classNames.ts';
import { isParquet } from './parquetHead.ts';
import { unpackedBytes } from './parquetPages.ts';
import { MAX_LINE_BYTES, type TableRecord } from './records.ts';

export interface ParquetTable {
  readonly path: string;
  readonly rows: number;
  /** Columns that can be used, in the order of the file. */
  readonly columns: readonly string[];
  /** Columns that cannot, and why: "holds lists". */
  readonly unusable: ReadonlyMap<string, string>;
  /** Names of whole-number labels, where the file tells them. */
  readonly classNames: ClassNames;
  readonly metadata: FileMetaData;
}

export interface ParquetReading {
  readonly table: ParquetTable;
  /** Names of `table.columns`. */
  readonly columns: readonly string[];
  /** Told the share of the file's bytes after each row group. */
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal;
}

const MAGIC = 'PAR1';
const ENCRYPTED_MAGIC = 'PARE';
/** A thousand row groups of twenty columns have three megabytes. */
const MAX_FOOTER_BYTES = 32 << 20;
const MAX_GROUP_ROWS = 5_000_000;
const MAX_GROUP_BYTES = 512 << 20;
const BLOCK_ROWS = 1000;

/** Stands for text that is none. */
const NOT_UTF8 = Symbol('not UTF-8');
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads the footer.
 * @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE saying why it is no table that can be read
 */
export async function openParquet(path: string): Promise<ParquetTable> {
  const source = await openFileBytes(path);
  try {
    await requireWhole(source);
    const metadata = await asBadFile(path, () =>
      parquetMetadataAsync(asyncBuffer(source), { geoparquet: false }),
    );
    return await asBadFile(path, async () => tableOf(path, metadata));
  } finally {
    await source.close();
  }
}

/**
 * The rows, in blocks; `line` counts rows from 1.
 * @throws StudioError UNREADABLE; BAD_FILE for what does not hold together or does not fit in memory; CANCELLED
 */
export async function* readParquet(reading: ParquetReading): AsyncGenerator<readonly TableRecord[]> {
  const { table, columns, onBytes, signal } = reading;
  const source = await openFileBytes(table.path);
  try {
    let rowsBefore = 0;
    for (const group of table.metadata.row_groups) {
      if (signal?.aborted === true)
        throw new StudioError('CANCELLED', `Reading ${table.path} was cancelled.`);
      const rowsInGroup = Number(group.num_rows);
      const values = await asBadFile(table.path, async () => {
        await requireSound(source, group, columns);
        return await readGroup(source, table, columns, [rowsBefore, rowsBefore + rowsInGroup]);
      });
      for (let from = 0; from < values.length; from += BLOCK_ROWS)
        yield values
          .slice(from, from + BLOCK_ROWS)
          .map((row, at) => recordOf(rowsBefore + from + at + 1, row));
      rowsBefore += rowsInGroup;
      onBytes?.(source.sizeBytes * (rowsInGroup / table.rows));
    }
  } finally {
    await source.close();
  }
}

async function requireWhole(source: ByteSource): Promise<void> {
  const { name, sizeBytes } = source;
  // Magic at both ends, and the length of the footer.
  if (sizeBytes < 12) throw badFile(name, 'it is too short');
  const head = await readBytes(source, 0, 4);
  const tail = await readBytes(source, sizeBytes - 8, 8);
  const end = tail.toString('latin1', 4);
  if (end === ENCRYPTED_MAGIC) throw badFile(name, 'it is encrypted');
  if (!isParquet(head)) throw badFile(name, 'it does not begin as one');
  if (end !== MAGIC) throw badFile(name, 'it is cut off: its end is missing');
  const footerBytes = tail.readUInt32LE(0);
  if (footerBytes > sizeBytes - 12) throw badFile(name, 'its footer is longer than the file');
  if (footerBytes > MAX_FOOTER_BYTES)
    throw badFile(
      name,
      `its footer has ${formatBytes(footerBytes)}, more than ${formatBytes(MAX_FOOTER_BYTES)}`,
    );
}

function tableOf(path: string, metadata: FileMetaData): ParquetTable {
  const columns: string[] = [];
  const unusable = new Map<string, string>();
  for (const column of parquetSchema(metadata).children) {
    const why = whyNot(column);
    if (why === null) columns.push(column.element.name);
    else unusable.set(column.element.name, why);
  }
  const rows = metadata.row_groups.reduce((sum, { num_rows }) => sum + Number(num_rows), 0);
  if (rows !== Number(metadata.num_rows)) throw new Error('its row groups do not add up to its rows');
  const huggingFace = metadata.key_value_metadata?.find(({ key }) => key === 'huggingface')?.value;
  const classNames = classNamesOfFooter(huggingFace ?? '');
  return { path, rows, columns, unusable, classNames, metadata };
}

function whyNot({ children, element }: SchemaTree): string | null {
  const { type, repetition_type, converted_type, logical_type } = element;
  if (logical_type?.type === 'LIST' || converted_type === 'LIST' || repetition_type === 'REPEATED')
    return 'holds lists';
  if (logical_type?.type === 'MAP' || converted_type === 'MAP') return 'holds maps';
  if (children.length > 0) return 'holds records';
  if (type === 'BYTE_ARRAY') return isText(element) ? null : 'holds bytes, not text';
  if (type === 'BOOLEAN') return null;
  const isPlain = converted_type === undefined || /^U?INT_/.test(converted_type);
  if (type === 'INT32' || type === 'INT64')
    return isPlain && (logical_type === undefined || logical_type.type === 'INTEGER')
      ? null
      : 'holds no plain numbers';
  if (type === 'FLOAT' || type === 'DOUBLE') return null;
  return 'holds no text or plain numbers';
}

/** Old writers mark text in no way. */
function isText({ converted_type: converted, logical_type: logical }: SchemaTree['element']): boolean {
  const isMarked =
    converted === 'UTF8' || converted === 'ENUM' || logical?.type === 'STRING' || logical?.type === 'ENUM';
  return isMarked || (converted === undefined && logical === undefined);
}

/** Before memory is taken for it: the columns of a row group are where and what the footer says. */
async function requireSound(source: ByteSource, group: RowGroup, columns: readonly string[]): Promise<void> {
  const rows = Number(group.num_rows);
  if (!Number.isSafeInteger(rows) || rows < 0) throw new Error('a row group has no number of rows');
  let total = 0;
  for (const name of columns) {
    const chunk = group.columns.find(({ meta_data: data }) => data?.path_in_schema[0] === name)?.meta_data;
    if (chunk === undefined) throw new Error(`a row group lacks the column ${name}`);
    const start = Number(firstOffset(chunk.dictionary_page_offset, chunk.data_page_offset));
    const sizeBytes = Number(chunk.total_compressed_size);
    const isInside = start >= 4 && sizeBytes >= 0 && start + sizeBytes <= source.sizeBytes;
    if (!isInside) throw new Error(`the column ${name} lies outside the file`);
    if (rows > MAX_GROUP_ROWS || sizeBytes > MAX_GROUP_BYTES) throw tooLarge();
    total += unpackedBytes({ bytes: await readBytes(source, start, sizeBytes), rows });
    if (total > MAX_GROUP_BYTES) throw tooLarge();
  }
}

/** hyparquet takes a dictionary's place for none when it is 0. */
function firstOffset(dictionary: bigint | undefined, data: bigint): bigint {
  return dictionary === undefined || dictionary === 0n || dictionary > data ? data : dictionary;
}

function tooLarge(): Error {
  const most = `${MAX_GROUP_ROWS.toLocaleString('en')} rows and ${formatBytes(MAX_GROUP_BYTES)}`;
  return new Error(`one of its row groups is too large to be held: it must have at most ${most}`);
}

async function readGroup(
  source: ByteSource,
  { metadata }: ParquetTable,
  columns: readonly string[],
  [rowStart, rowEnd]: readonly [number, number],
): Promise<readonly unknown[][]> {
  let rows: unknown[][] = [];
  if (rowStart === rowEnd) return rows;
  await parquetRead({
    file: asyncBuffer(source),
    metadata,
    columns: [...columns],
    rowStart,
    rowEnd,
    compressors,
    geoparquet: false,
    parsers: { stringFromBytes },
    onComplete: (read) => {
      rows = read;
    },
  });
  return rows;
}

function stringFromBytes(bytes: Uint8Array | undefined): string | symbol | undefined {
  try {
    return bytes === undefined ? undefined : decoder.decode(bytes);
  } catch {
    return NOT_UTF8;
  }
}

function recordOf(line: number, row: readonly unknown[]): TableRecord {
  const values: string[] = [];
  for (const value of row) {
    if (value === NOT_UTF8) return { line, values: [], problem: 'invalid UTF-8' };
    // Of null, and of types that are no text, nothing is left: an empty sentence or label, which is told.
    const text = typeof value === 'object' || value === undefined ? '' : String(value);
    if (text.length > MAX_LINE_BYTES) return { line, values: [], problem: 'line too long' };
    values.push(text);
  }
  return { line, values, problem: null };
}

function asyncBuffer(source: ByteSource): {
  byteLength: number;
  slice: (start: number, end?: number) => Promise<ArrayBuffer>;
} {
  return {
    byteLength: source.sizeBytes,
    slice: async (start, end = source.sizeBytes) => {
      if (start < 0 || end < start || end > source.sizeBytes) throw new Error('it points outside of itself');
      const bytes = await readBytes(source, start, end - start);
      return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
    },
  };
}

async function readBytes(source: ByteSource, position: number, sizeBytes: number): Promise<Buffer> {
  try {
    return await source.read(position, sizeBytes);
  } catch (thrown) {
    throw readError(thrown, source.name);
  }
}

/** What the library says of a file that it cannot read is the file's fault. */
async function asBadFile<Value>(path: string, read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (thrown) {
    if (thrown instanceof StudioError) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw badFile(path, why.replace(/^parquet /, '').slice(0, 300));
  }
}

function badFile(path: string, why: string): StudioError {
  return new StudioError('BAD_FILE', `${path} cannot be read as a Parquet file: ${why}.`, {
    nextStep:
      'Download or write it again; with small row groups, for instance: to_parquet(FILE, row_group_size=10000).',
    place: { file: path },
  });
}
