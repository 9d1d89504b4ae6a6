/** @file Node. Turns SQLite's result codes into errors that a person can act on. */
import Database from 'better-sqlite3';
import { StudioError } from '../../shared/errors.ts';

const FREE_SPACE = 'Free some space on this disk, or choose another data directory with --data-dir.';
const OTHER_FOLDER = 'Make the data directory writable, or choose another one with --data-dir.';

/** SQLite's extended code of a thrown error, such as "SQLITE_IOERR_WRITE"; null when it is no error of SQLite. */
function sqliteCode(thrown: unknown): string | null {
  return thrown instanceof Database.SqliteError ? thrown.code : null;
}

/** True when another connection held the lock for longer than the busy timeout. */
export function isBusy(thrown: unknown): boolean {
  return sqliteCode(thrown)?.startsWith('SQLITE_BUSY') ?? false;
}

/** True when the file is not, or no longer, a sound database. */
export function isDamage(thrown: unknown): boolean {
  const code = sqliteCode(thrown);
  return code !== null && (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB');
}

/**
 * What to throw instead of `thrown` when it came from the database at `path`. Anything that is not a known failure
 * of SQLite is returned as it is: a broken constraint, for one, is a defect of ours and must stay visible.
 */
export function studioErrorOf(thrown: unknown, path: string): unknown {
  const code = sqliteCode(thrown);
  if (code === null) return thrown;
  const options = { place: { file: path }, cause: thrown };
  if (code === 'SQLITE_FULL') {
    return new StudioError(
      'DISK_FULL',
      `Could not write ${path}: the disk is full. Nothing was half-written.`,
      {
        ...options,
        nextStep: FREE_SPACE,
      },
    );
  }
  if (isBusy(thrown)) {
    return new StudioError('DATABASE_BUSY', `Another process has been writing to ${path} for too long.`, {
      ...options,
      nextStep: 'Wait for the other Entail process to finish what it is doing, then try again.',
    });
  }
  if (isDamage(thrown)) return corrupt(path, (thrown as Error).message, thrown);
  if (code === 'SQLITE_READONLY_DBMOVED') {
    return new StudioError('WRITE_FAILED', `${path} was moved or deleted while it was open.`, {
      ...options,
      nextStep: 'Put the file back, then start again.',
    });
  }
  if (code.startsWith('SQLITE_READONLY')) {
    return new StudioError('WRITE_FAILED', `${path} is read-only.`, { ...options, nextStep: OTHER_FOLDER });
  }
  if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_IOERR') || code === 'SQLITE_PERM') {
    const message = `Could not read or write ${path}: ${(thrown as Error).message}.`;
    return new StudioError('WRITE_FAILED', message, { ...options, nextStep: OTHER_FOLDER });
  }
  return thrown;
}

/** The error for a database whose content cannot be trusted. */
export function corrupt(path: string, reason: string, cause?: unknown): StudioError {
  return new StudioError('DATABASE_CORRUPT', `${path} is damaged: ${reason}.`, {
    nextStep:
      'Stop all Entail processes and start again: the file will be checked, and a backup used if need be.',
    place: { file: path },
    cause,
  });
}

/**
 * The error for a row whose checksum does not fit. `what` is the subject of a sentence. Starting again would not help,
 * because the file's structure is sound.
 */
export function altered(path: string, what: string): StudioError {
  return new StudioError('DATABASE_CORRUPT', `${path} is damaged: ${what} is not what was written.`, {
    nextStep:
      'Stop Entail, move studio.db to a safe place, and put the newest file of the folder "backups" in its place.',
    place: { file: path },
  });
}
