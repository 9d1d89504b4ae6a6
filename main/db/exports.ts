/** @file Node. Exports: which folders were written from which run, and what the comparison with the studio found. */

import { StudioError } from '../../shared/errors.ts';
import type {
  ExportFormat,
  ExportPrecision,
  ExportRecord,
  ExportState,
  ParityReport,
} from '../../shared/exports.ts';
import type { StudioDatabase, StudioReader } from './connection.ts';
import { read, write } from './connection.ts';
import { rowChecksum } from './rowChecksum.ts';
import { runKey } from './runKey.ts';
import { altered } from './sqliteErrors.ts';

/** Whether the folder is still there is not the database's to know. */
export type StoredExport = Omit<ExportRecord, 'present'>;
export type NewExport = Omit<StoredExport, 'id' | 'createdAt' | 'run'> & { readonly run: string };

interface ExportRow {
  readonly id: number;
  readonly run: string | null;
  readonly to: ExportFormat;
  readonly precision: ExportPrecision | null;
  readonly folder: string;
  readonly state: ExportState;
  readonly step: number | null;
  readonly sizeBytes: number;
  readonly createdAt: string;
  readonly parity: string | null;
  readonly crc: number;
}

const SELECT = `SELECT exports.id, runs.id AS run, format AS "to", "precision", folder, exports.state, step,
    size_bytes AS sizeBytes, exports.created_at AS createdAt, parity, crc
  FROM exports LEFT JOIN runs ON runs.number = exports.run`;

/** Stores an export, in place of an earlier one in the same folder. -> its id. Throws NOT_FOUND for the run. */
export function insertExport(database: StudioDatabase, one: NewExport): number {
  const parity = one.parity === null ? null : JSON.stringify(one.parity);
  return write(database, () => {
    const { connection } = database;
    connection.prepare('DELETE FROM exports WHERE folder = ?').run(one.folder);
    const { lastInsertRowid } = connection
      .prepare(
        `INSERT INTO exports (run, format, "precision", folder, state, step, size_bytes, created_at, parity, crc)
         VALUES (:run, :to, :precision, :folder, :state, :step, :sizeBytes, :now, :parity, :crc)`,
      )
      .run({
        ...{ to: one.to, precision: one.precision, folder: one.folder, state: one.state, step: one.step },
        ...{
          sizeBytes: one.sizeBytes,
          parity,
          crc: checksum(one.state, parity),
          now: new Date().toISOString(),
        },
        run: runKey(database, one.run),
      });
    return Number(lastInsertRowid);
  });
}

/** Newest first; of one run, or of all. Throws DATABASE_CORRUPT when a report is not what was written. */
export function listExports(database: StudioReader, run: string | null): StoredExport[] {
  const where = run === null ? '' : 'WHERE runs.id = :run';
  const select = database.connection.prepare<[object], ExportRow>(
    `${SELECT} ${where} ORDER BY exports.id DESC`,
  );
  return read(database, () => select.all(run === null ? {} : { run })).map((row) =>
    record(row, database.path),
  );
}

/** Throws NOT_FOUND. */
export function findExport(database: StudioReader, id: number): StoredExport {
  const row = read(database, () =>
    database.connection.prepare<[number], ExportRow>(`${SELECT} WHERE exports.id = ?`).get(id),
  );
  if (row === undefined) throw noSuchExport();
  return record(row, database.path);
}

/** Takes an export out of the list; its folder stays as it is. Throws NOT_FOUND. */
export function forgetExport(database: StudioDatabase, id: number): void {
  write(database, () => {
    const { changes } = database.connection.prepare('DELETE FROM exports WHERE id = ?').run(id);
    if (changes === 0) throw noSuchExport();
  });
}

function record({ crc, parity, ...row }: ExportRow, path: string): StoredExport {
  if (checksum(row.state, parity) !== crc) throw altered(path, `export ${row.id}`);
  return { ...row, parity: parity === null ? null : (JSON.parse(parity) as ParityReport) };
}

function checksum(state: ExportState, parity: string | null): number {
  return rowChecksum([], [state, parity ?? '']);
}

function noSuchExport(): StudioError {
  return new StudioError('NOT_FOUND', 'There is no such export any more.', {
    nextStep: 'Look at the list again.',
  });
}
