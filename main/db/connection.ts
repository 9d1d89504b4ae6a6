/** @file Node. What every file of db/ is handed: an open studio.db, to read or also to write. */
import type Database from 'better-sqlite3';
import type { ProcessOwner } from './processOwner.ts';
import { isBusy, studioErrorOf } from './sqliteErrors.ts';

/** An open studio.db. A function that takes this one cannot write. */
export interface StudioReader {
  readonly path: string;
  /** Sentences a person must be told at start, such as that a damaged file was set aside. */
  readonly notices: readonly string[];
  /** For files of db/ only: everybody else uses their functions. */
  readonly connection: Database.Database;
  /** Closing twice is fine. */
  close(): void;
}

/** An open studio.db that may be written to. */
export interface StudioDatabase extends StudioReader {
  /** Who this process is in a lease. */
  readonly owner: ProcessOwner;
  /** Ids of runs that are claimed through this very object. */
  readonly claimed: Set<string>;
}

const kept = new WeakMap<Database.Database, Map<string, Database.Statement<unknown[], unknown>>>();

/**
 * A statement that is compiled once a connection, for what is asked hundreds of times in a row. Its rows are arrays. Only
 * for `get` and `all`: it must not be gone through while somebody else uses it.
 */
export function keptStatement<Row extends unknown[]>(
  connection: Database.Database,
  sql: string,
): Database.Statement<unknown[], Row> {
  const statements = kept.get(connection) ?? new Map<string, Database.Statement<unknown[], unknown>>();
  kept.set(connection, statements);
  const known = statements.get(sql) ?? connection.prepare<unknown[], unknown>(sql).raw();
  statements.set(sql, known);
  return known as Database.Statement<unknown[], Row>;
}

/**
 * Runs `work` in one transaction that starts by taking the write lock; inside another `write` it joins that one.
 * Everything or nothing is stored, and what is stored survives a power cut.
 *
 * When another process holds the lock for longer than the busy timeout (5 s), the whole is tried once more.
 * Throws StudioError: DATABASE_BUSY, DISK_FULL, DATABASE_CORRUPT or WRITE_FAILED, and whatever `work` throws.
 */
export function write<T>(database: StudioDatabase, work: () => T): T {
  // A full disk may have rolled back already: an inner error must reach the outermost transaction as it is.
  if (database.connection.inTransaction) return work();
  return writeOn(database.connection, database.path, work);
}

/** The same on a bare connection, for the moment before it is a StudioDatabase. */
export function writeOn<T>(connection: Database.Database, path: string, work: () => T): T {
  const attempt = (): T => connection.transaction(work).immediate();
  try {
    return attempt();
  } catch (thrown) {
    if (!isBusy(thrown)) throw studioErrorOf(thrown, path);
  }
  try {
    return attempt();
  } catch (thrown) {
    throw studioErrorOf(thrown, path);
  }
}

/** Runs `work`, which only reads, with SQLite's errors turned into ours. */
export function read<T>(database: StudioReader, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw studioErrorOf(thrown, database.path);
  }
}

/** As `read`, for several questions: what other processes write meanwhile is in none of the answers. */
export function readTogether<T>(database: StudioReader, work: () => T): T {
  return read(database, () => database.connection.transaction(work)());
}
