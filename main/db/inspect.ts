/** @file Node. Looks at a studio.db without changing it: new, sound, damaged, or none of our business. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { StudioError } from '../../shared/errors.ts';
import { readError } from '../files/fileErrors.ts';
import type { Migration } from './migrations/migration.ts';
import { hasDeadOpenings } from './openings.ts';
import { definitionsIn, hasItsSchema, newestVersion, versionOf } from './schema.ts';
import { APPLICATION_ID } from './settings.ts';
import { isDamage, studioErrorOf } from './sqliteErrors.ts';

export type Condition =
  | { readonly kind: 'missing' }
  /** Zero bytes. */
  | { readonly kind: 'empty' }
  /** Nothing was ever stored in it: another process is making it just now, or was killed while it did. */
  | { readonly kind: 'unborn' }
  | { readonly kind: 'sound'; readonly version: number }
  /** `reason` is a part of a sentence: "file is not a database". */
  | { readonly kind: 'damaged'; readonly reason: string };

/**
 * `start`: SQLite's quick_check; its full integrity_check when the last process to open the file did not close it, or
 * when the file is small enough for nobody to notice the time. Only the full one sees a row that is out of order, and
 * so would be missed by every look-up. `full`: always that.
 */
export type Depth = 'start' | 'full';

/** A full check of this much takes about 0.3 s. */
const SMALL_BYTES = 64 * 2 ** 20;

/** A file that cannot be opened for another reason is not there for longer by looking again. */
const MOST_LOOKS = 3;

interface Inspection {
  readonly path: string;
  readonly migrations: readonly Migration[];
  readonly depth: Depth;
  readonly sizeBytes: number;
}

/**
 * Checks everything that can be checked: the header, the tables' definitions, and the file's structure.
 *
 * Throws DATABASE_NEWER for a file of a newer Entail, BAD_FILE for a database of another program, UNREADABLE,
 * DATABASE_BUSY. The main file's bytes are never changed.
 */
export function inspectDatabase(path: string, migrations: readonly Migration[], depth: Depth): Condition {
  for (let look = 1; ; look++) {
    try {
      return inspectOnce(path, migrations, depth);
    } catch (thrown) {
      // Another process may set a damaged file aside, and put a sound one in its place, between two of our looks.
      const wentAway = thrown instanceof Database.SqliteError && thrown.code === 'SQLITE_CANTOPEN';
      if (!wentAway || look === MOST_LOOKS) throw studioErrorOf(thrown, path);
    }
  }
}

function inspectOnce(path: string, migrations: readonly Migration[], depth: Depth): Condition {
  const sizeBytes = sizeOf(path);
  if (sizeBytes === null) return { kind: 'missing' };
  if (sizeBytes === 0) return { kind: 'empty' };
  let connection: Database.Database | undefined;
  try {
    connection = openReadOnly(path);
    return conditionOf(connection, { path, migrations, depth, sizeBytes });
  } catch (thrown) {
    if (isDamage(thrown)) return { kind: 'damaged', reason: (thrown as Error).message };
    // Killed while it made the file, before WAL: the first connection that may write rolls it back to nothing.
    if (isHotJournal(thrown)) return { kind: 'unborn' };
    throw thrown;
  } finally {
    connection?.close();
  }
}

function conditionOf(connection: Database.Database, inspection: Inspection): Condition {
  const { path, migrations, depth, sizeBytes } = inspection;
  const version = versionOf(connection);
  const schema = definitionsIn(connection);
  if (schema.size === 0 && version === 0) return { kind: 'unborn' };
  if (connection.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
    // One wrong byte in our own header must not make the file a stranger's.
    if (schema.has('runs') && schema.has('metrics'))
      return { kind: 'damaged', reason: 'its header is not that of a studio.db' };
    throw notOurs(path);
  }
  if (version > newestVersion(migrations)) throw newer(path, version, newestVersion(migrations));
  if (version === 0) return { kind: 'damaged', reason: 'it has no version' };
  if (!hasItsSchema(connection, migrations, version)) {
    return { kind: 'damaged', reason: `its tables are not those of version ${version}` };
  }
  const full = depth === 'full' || sizeBytes <= SMALL_BYTES || hasDeadOpenings(connection);
  const answers = connection.pragma(full ? 'integrity_check(1)' : 'quick_check(1)', { simple: true });
  if (answers !== 'ok') return { kind: 'damaged', reason: String(answers) };
  return { kind: 'sound', version };
}

/**
 * Opens for reading. In a folder where nobody may make files SQLite cannot use its -wal, so the file, which cannot
 * change there, is read into memory as if it had none.
 */
export function openReadOnly(path: string): Database.Database {
  if (!isFrozen(path)) return new Database(path, { readonly: true });
  const bytes = readFileSync(path);
  // File format versions 2 mean WAL, 1 means without.
  bytes[18] = 1;
  bytes[19] = 1;
  return new Database(bytes, { readonly: true });
}

/** True when the file lies where we may not make files, and no -wal holds changes to it. */
function isFrozen(path: string): boolean {
  try {
    accessSync(dirname(path), constants.W_OK);
    return false;
  } catch {
    const wal = statSync(`${path}-wal`, { throwIfNoEntry: false });
    return wal === undefined || wal.size === 0;
  }
}

function sizeOf(path: string): number | null {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return null;
    if (found.isFile()) return found.size;
  } catch (thrown) {
    throw readError(thrown, path);
  }
  throw new StudioError('UNREADABLE', `${path} is not a file.`, {
    nextStep: 'Move it away, or choose another data directory with --data-dir.',
    place: { file: path },
  });
}

function isHotJournal(thrown: unknown): boolean {
  return thrown instanceof Database.SqliteError && thrown.code === 'SQLITE_READONLY_ROLLBACK';
}

function newer(path: string, version: number, known: number): StudioError {
  return new StudioError(
    'DATABASE_NEWER',
    `${path} was written by a newer Entail (version ${version}; this one knows up to ${known}).`,
    {
      nextStep: 'Update Entail, or choose another data directory with --data-dir. The file was not touched.',
      place: { file: path },
    },
  );
}

function notOurs(path: string): StudioError {
  return new StudioError('BAD_FILE', `${path} is a database of another program.`, {
    nextStep: 'Choose another data directory with --data-dir. The file was not touched.',
    place: { file: path },
  });
}
