/** @file Node. What the first rows of a file look like, and how they would be read, before anything is imported. */
import type { ImportPreview } from '../../shared/contract/datasets.ts';
import type { ColumnMapping } from '../../shared/datasets.ts';
import { describeFile } from './readers/describe.ts';
import { locateFiles } from './readers/locate.ts';
import { type OpenOptions, openSource, type SourceRow } from './readers/open.ts';
import { readTable } from './readers/table.ts';
import { suggestedName } from './suggestedName.ts';

const SHOWN_ROWS = 12;
/** Rejections are looked for among so many. */
const READ_ROWS = 1000;
/** Labels are told from so many: some megabytes, read in a moment. An import reads them all. */
const LOOK_ROWS = 20_000;
const LONGEST_CELL = 300;

/** Reads the beginning of each file only, however long it is. @throws StudioError as `openSource`. */
export async function previewSource(path: string, options: OpenOptions): Promise<ImportPreview> {
  const source = await openSource(path, { ...options, lookRows: LOOK_ROWS });
  try {
    const read: SourceRow[] = [];
    for await (const block of source.rows()) {
      read.push(...block);
      if (read.length >= READ_ROWS) break;
    }
    const table = await firstRecords(path, options.format ?? null);
    return {
      path,
      format: source.format,
      ...table,
      mapping: source.mapping,
      guessed: source.mappingGuessed,
      pairs: read
        .flatMap((row) => (row.kind === 'pair' ? [pairOf(row, source.labels)] : []))
        .slice(0, SHOWN_ROWS),
      labels: source.labels,
      labelsComplete: source.labelsComplete,
      rejected: read
        .flatMap((row) => (row.kind === 'rejected' ? [{ reason: row.reason, line: row.line }] : []))
        .slice(0, SHOWN_ROWS),
      suggestedName: suggestedName(path),
    };
  } finally {
    await source.close();
  }
}

function pairOf(row: Extract<SourceRow, { kind: 'pair' }>, labels: readonly string[]) {
  return {
    premise: row.premise.raw,
    hypothesis: row.hypothesis?.raw ?? null,
    label: labels[row.label] ?? String(row.label),
  };
}

/** The first file's columns and rows as they stand there. */
async function firstRecords(
  path: string,
  format: ColumnMapping['format'] | null,
): Promise<Pick<ImportPreview, 'columns' | 'rows'>> {
  const located = await locateFiles(path);
  try {
    const description = await describeFile(located.files[0]!, format);
    const { columns } = description;
    const wanted = { all: columns, optional: new Set(columns) };
    const rows: string[][] = [];
    for await (const records of readTable(description, wanted)) {
      for (const { values, problem } of records)
        if (problem === null) rows.push(values.map((value) => (value ?? '').slice(0, LONGEST_CELL)));
      if (rows.length >= SHOWN_ROWS) break;
    }
    return { columns, rows: rows.slice(0, SHOWN_ROWS) };
  } finally {
    await located.close();
  }
}
