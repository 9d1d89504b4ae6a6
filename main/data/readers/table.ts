/** @file Node. The records of a described file, whatever it is written in. */
import { StudioError } from '../../../shared/errors.ts';
import { readError } from '../../files/fileErrors.ts';
import { groupColumnsOf } from '../groupColumns.ts';
import { type ColumnChoice, parseColumn } from '../mapping.ts';
import type { Description } from './describe.ts';
import type { DataFile } from './locate.ts';
import { type Layout, readRecords, type TableRecord } from './records.ts';

/** Which columns are read. */
export interface WantedColumns {
  /** In the order of a record's values. */
  readonly all: readonly string[];
  /** Those that a JSON object may lack. */
  readonly optional: ReadonlySet<string>;
}

export interface TableReading {
  readonly signal?: AbortSignal | undefined;
  /** Told how many more bytes were read. */
  readonly onBytes?: (bytes: number) => void;
}

/** What a mapping needs: of delimited text all columns, of other tables only those that are used. */
export function columnsWanted({ kind, columns }: Description, mapping: ColumnChoice): WantedColumns {
  if (kind === 'csv' || kind === 'tsv') return { all: columns, optional: new Set() };
  const needed = [mapping.premise, mapping.hypothesis, mapping.label, mapping.split].filter(
    (one) => one !== null,
  );
  const parses = [mapping.premise, mapping.hypothesis ?? mapping.premise].map(parseColumn);
  const wanted = [...parses, ...groupColumnsOf(columns, mapping)];
  const optional = new Set(wanted.filter((column) => columns.includes(column)));
  return { all: [...needed, ...optional], optional };
}

/** @throws StudioError CANCELLED, UNREADABLE, BAD_FILE, CHECKSUM_MISMATCH */
export async function* readTable(
  description: Description,
  wanted: WantedColumns,
  { signal, onBytes }: TableReading = {},
): AsyncGenerator<readonly TableRecord[]> {
  const { file, table } = description;
  if (table === null) {
    yield* readRecords(bytesOf(file, { signal, onBytes }), layoutOf(description, wanted));
    return;
  }
  const { readParquet } = await import('./parquetTable.ts');
  yield* readParquet({
    ...{ table, columns: wanted.all },
    ...(onBytes === undefined ? {} : { onBytes }),
    ...(signal === undefined ? {} : { signal }),
  });
}

function layoutOf({ kind, delimiter, columns }: Description, { all, optional }: WantedColumns): Layout {
  if (kind === 'csv') return { kind, delimiter, columns };
  if (kind === 'tsv') return { kind, columns };
  return { kind: 'jsonl', columns: all, optional };
}

/** The bytes of a file, until somebody cancels; what the system says of it becomes an error to read. */
async function* bytesOf(
  file: DataFile,
  { signal, onBytes }: { signal: AbortSignal | undefined; onBytes: ((bytes: number) => void) | undefined },
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of file.chunks()) {
      if (signal?.aborted) throw new StudioError('CANCELLED', `Reading ${file.path} was cancelled.`);
      onBytes?.(chunk.length);
      yield chunk;
    }
  } catch (thrown) {
    throw readError(thrown, file.path);
  }
}
