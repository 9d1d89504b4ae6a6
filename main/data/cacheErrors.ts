/** @file Runs anywhere under Node. What SQLite's errors mean for a person who uses the cache. */
import Database from 'better-sqlite3';
import { StudioError } from '../../shared/errors.ts';

/** True when SQLite says that the file itself is damaged or no database at all. */
export function saysCorrupt(thrown: unknown): boolean {
  if (!(thrown instanceof Database.SqliteError)) return false;
  return thrown.code.startsWith('SQLITE_CORRUPT') || thrown.code.startsWith('SQLITE_NOTADB');
}

/** Turns an error of SQLite into one that a person can act on; anything else is returned as it is. */
export function cacheError(thrown: unknown, path: string): unknown {
  if (!(thrown instanceof Database.SqliteError)) return thrown;
  const code = thrown.code;
  const details = { place: { file: path }, cause: thrown };
  if (saysCorrupt(thrown)) return corruptCache(path, thrown.message, thrown);
  if (code.startsWith('SQLITE_FULL')) {
    return new StudioError('DISK_FULL', `There is no room left for the cache ${path}.`, {
      ...details,
      nextStep: 'Make room on that disk, or clear token caches with: npx --no entail cache clear',
    });
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new StudioError('DATABASE_BUSY', `Another process is writing to the cache ${path}.`, {
      ...details,
      nextStep: 'Wait until it is done and try again.',
    });
  }
  const writing = code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_IOERR_WRITE');
  return new StudioError(
    writing ? 'WRITE_FAILED' : 'UNREADABLE',
    `The cache ${path} cannot be ${writing ? 'written' : 'opened or read'}: ${thrown.message} (${code}).`,
    { ...details, nextStep: 'Check that the data directory exists and that you may read and write in it.' },
  );
}

export function corruptCache(path: string, detail: string, cause?: unknown): StudioError {
  return new StudioError('DATABASE_CORRUPT', `The cache ${path} is damaged: ${detail}.`, {
    nextStep:
      'Run the command again: the damaged file is set aside and rebuilt; data sets must be imported again.',
    place: { file: path },
    cause,
  });
}
