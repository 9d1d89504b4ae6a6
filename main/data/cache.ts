/** @file Runs anywhere under Node. cache.db: imported data sets and encoded tokens. All of it can be made again from the user's files. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { StudioError } from '../../shared/errors.ts';
import { writeError } from '../files/fileErrors.ts';
import { acquireFileLock, type FileLock } from '../files/fileLock.ts';
import { Cache, configureConnection, damagePath, openCacheForReading } from './cacheConnection.ts';
import { cacheError, saysCorrupt } from './cacheErrors.ts';
import { inspectCacheFile, newerCache } from './cacheHealth.ts';
import {
  CACHE_ADDITIONS,
  CACHE_APPLICATION_ID,
  CACHE_PAGE_BYTES,
  CACHE_SCHEMA,
  CACHE_VERSION,
} from './cacheSchema.ts';
import { dropSpaceReserve } from './spaceReserve.ts';

export type { Cache } from './cacheConnection.ts';

/**
 * Opens cache.db, making it when it is not there. A file that is garbage, cut short or of an earlier version is
 * set aside under another name, never deleted, and `notice` says so. What an interrupted job left is removed.
 * @throws StudioError DATABASE_NEWER; DATABASE_CORRUPT or NOT_FOUND with `readOnly`; UNREADABLE.
 */
export function openCache(path: string, { readOnly = false }: { readOnly?: boolean } = {}): Cache {
  if (readOnly) return openCacheForReading(path);
  makeFolder(dirname(path));
  let notice = setAsideIfUnusable(path);
  let database: Database.Database;
  try {
    database = openForWriting(path);
  } catch (thrown) {
    if (!saysCorrupt(thrown)) throw cacheError(thrown, path);
    notice = setAside(path, 'it is damaged');
    database = openForWriting(path);
  }
  const cache = new Cache(database, { path, readOnly: false, notice });
  try {
    sweepInterrupted(cache);
  } catch (thrown) {
    database.close();
    throw thrown;
  }
  return cache;
}

function openForWriting(path: string): Database.Database {
  const database = new Database(path);
  try {
    if (database.pragma('user_version', { simple: true }) === 0) createTables(database);
    const version = database.pragma('user_version', { simple: true }) as number;
    if (version > CACHE_VERSION) throw newerCache(path, version);
    useWriteAheadLog(database, path);
    configureConnection(database);
    checkQuickly(database, path);
    addTables(database);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** Tables, version and our mark in one transaction, before the log is used: page 1 of the file is then never without them. */
function createTables(database: Database.Database): void {
  database.pragma(`page_size = ${CACHE_PAGE_BYTES}`);
  database.pragma('auto_vacuum = INCREMENTAL');
  const create = database.transaction(() => {
    // Another process may have been faster.
    if (database.pragma('user_version', { simple: true }) !== 0) return;
    database.exec(CACHE_SCHEMA);
    database.pragma(`application_id = ${CACHE_APPLICATION_ID}`);
    database.pragma(`user_version = ${CACHE_VERSION}`);
  });
  create.exclusive();
}

/** Asked first, because most openings find them, and need not wait for another process that writes. */
function addTables(database: Database.Database): void {
  const has = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'example_groups'").get();
  if (has === undefined) database.exec(CACHE_ADDITIONS);
}

function useWriteAheadLog(database: Database.Database, path: string): void {
  const mode = database.pragma('journal_mode = WAL', { simple: true });
  if (mode === 'wal') return;
  throw new StudioError(
    'WRITE_FAILED',
    `The cache ${path} stands on a file system that SQLite cannot use (${mode}).`,
    {
      nextStep: 'Choose a data directory on a local disk with --data-dir.',
      place: { file: path },
    },
  );
}

/** Reads the small tables only, unless damage was met earlier: a full check of a large cache takes seconds. */
function checkQuickly(database: Database.Database, path: string): void {
  const suspected = existsSync(damagePath(path));
  const checks = suspected ? ['quick_check(1)'] : ["quick_check('datasets')", "quick_check('token_caches')"];
  for (const check of checks) {
    const answer = database.pragma(check, { simple: true });
    if (answer !== 'ok') throw new Database.SqliteError(`${check} says: ${answer}`, 'SQLITE_CORRUPT');
  }
  if (suspected) rmSync(damagePath(path), { force: true });
}

function setAsideIfUnusable(path: string): string | null {
  const state = inspectCacheFile(path);
  if (state.kind === 'absent' || state.kind === 'usable') return null;
  return setAside(path, state.why);
}

/** Moves the file and its log to a name that is free, under the lock: another process may be about to do the same. */
function setAside(path: string, why: string): string {
  const lock = acquireFileLock(lockPath(path), { purpose: 'setting a damaged cache aside' });
  try {
    const stamp = new Date().toISOString().replaceAll(/[-:.]/g, '');
    const aside = `${path}.set-aside-${stamp}`;
    if (existsSync(path)) renameSync(path, aside);
    if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${aside}-wal`);
    rmSync(`${path}-shm`, { force: true });
    rmSync(damagePath(path), { force: true });
    return (
      `The cache ${path} could not be used (${why}). It has been set aside as ${aside}, which you may delete, ` +
      'and a new one made: import your data sets again.'
    );
  } catch (thrown) {
    throw writeError(thrown, path);
  } finally {
    lock.release();
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (thrown) {
    throw writeError(thrown, folder);
  }
}

/** Removes what a job that was killed left behind. It was never visible; while its process lives it holds the lock. */
function sweepInterrupted(cache: Cache): void {
  const leftovers = cache.guard(() =>
    cache.database
      .prepare(
        'SELECT (SELECT count(*) FROM datasets WHERE complete = 0) + (SELECT count(*) FROM token_caches WHERE complete = 0)',
      )
      .pluck()
      .get(),
  );
  if (leftovers === 0) return;
  let lock: FileLock;
  try {
    lock = lockCache(cache, 'removing what an interrupted job left');
  } catch (thrown) {
    if (thrown instanceof StudioError && thrown.code === 'LOCKED') return;
    throw thrown;
  }
  try {
    removeIncomplete(cache);
  } catch (thrown) {
    // What is left cannot be seen: no reason to keep anybody from reading. A later opening has another try.
    if (!(thrown instanceof StudioError) || thrown.code !== 'DISK_FULL') throw thrown;
  } finally {
    lock.release();
  }
}

/** Deletes every incomplete data set and token cache, on a full disk with the space reserve. The caller holds the lock. */
export function removeIncomplete(cache: Cache): void {
  dropSpaceReserve(cache.path);
  deleteAndShrink(cache, () => {
    cache.database.prepare('DELETE FROM datasets WHERE complete = 0').run();
    cache.database.prepare('DELETE FROM token_caches WHERE complete = 0').run();
  });
}

/**
 * Deletes in one transaction and returns the pages to the file system: what a person deletes, they expect to get
 * back. Until the file is shrunk the log is not emptied into it: on a full disk that would take the last room for
 * pages that are about to go.
 */
export function deleteAndShrink(cache: Cache, change: () => unknown): void {
  const { database } = cache;
  cache.guard(() => {
    const logPages = database.pragma('wal_autocheckpoint', { simple: true });
    database.pragma('wal_autocheckpoint = 0');
    try {
      cache.write(() => {
        change();
        database.pragma('incremental_vacuum');
      });
      database.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      database.pragma(`wal_autocheckpoint = ${logPages}`);
    }
  });
}

/**
 * Takes the right to change cache.db for as long as a job lasts; release it in `finally`.
 * @param purpose what the job does: another process that wants to write is told so.
 * @throws StudioError LOCKED naming the holder.
 */
export function lockCache(cache: Cache, purpose: string): FileLock {
  return acquireFileLock(lockPath(cache.path), { purpose });
}

function lockPath(path: string): string {
  return `${path}.lock`;
}
