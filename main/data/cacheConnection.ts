/** @file Runs anywhere under Node. A connection to cache.db, and opening one for reading: all that a thread which encodes needs to load. */
import { statSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { StudioError } from '../../shared/errors.ts';
import { cacheError, corruptCache, saysCorrupt } from './cacheErrors.ts';
import { inspectCacheFile } from './cacheHealth.ts';
import { CACHE_PAGE_BYTES } from './cacheSchema.ts';

const PAGE_CACHE_KIB = 2048;
/** The log is emptied into the file when it is 4 MiB long, and cut to that: it is not to fill a disk by itself. */
const LOG_PAGES = 256;
const LOG_BYTES = LOG_PAGES * CACHE_PAGE_BYTES;

/** An open cache.db. `database` is for main/data only; everything else goes through the functions there. */
export class Cache {
  readonly path: string;
  readonly readOnly: boolean;
  /** What a person should know about this opening, such as that a damaged file was set aside; usually null. */
  readonly notice: string | null;
  readonly database: Database.Database;
  readonly #file: string | null;

  constructor(
    database: Database.Database,
    options: { path: string; readOnly: boolean; notice: string | null },
  ) {
    this.database = database;
    this.path = options.path;
    this.readOnly = options.readOnly;
    this.notice = options.notice;
    this.#file = fileAt(options.path);
  }

  /** True when another program has deleted the file, or put another one in its place: what is read here is gone there. */
  isReplaced(): boolean {
    return fileAt(this.path) !== this.#file;
  }

  /** Runs queries; what SQLite throws becomes a StudioError. Damage is noted, so that the next opening looks closer. */
  guard<T>(query: () => T): T {
    if (!this.database.open) throw closedCache(this.path);
    try {
      return query();
    } catch (thrown) {
      if (saysCorrupt(thrown)) noteDamage(this.path);
      throw cacheError(thrown, this.path);
    }
  }

  /** As `guard`, in one transaction that starts with the write lock: all of it is stored, or nothing. */
  write<T>(change: () => T): T {
    return this.guard(() => this.database.transaction(change).immediate());
  }

  close(): void {
    if (!this.database.open) return;
    if (!this.readOnly) tidy(this.database);
    this.database.close();
  }
}

/** @throws StudioError NOT_FOUND, DATABASE_CORRUPT, DATABASE_NEWER, UNREADABLE. */
export function openCacheForReading(path: string): Cache {
  const state = inspectCacheFile(path);
  if (state.kind === 'absent') {
    throw new StudioError('NOT_FOUND', `There is no cache at ${path}.`, {
      nextStep: 'Import a data set first: npx --no entail datasets import PATH --name NAME',
      place: { file: path },
    });
  }
  if (state.kind !== 'usable') throw corruptCache(path, state.why);
  try {
    const database = new Database(path, { readonly: true, fileMustExist: true });
    configureConnection(database);
    return new Cache(database, { path, readOnly: true, notice: null });
  } catch (thrown) {
    throw cacheError(thrown, path);
  }
}

export function configureConnection(database: Database.Database): void {
  // NORMAL: a power cut may lose the last transactions, never damage the file; all of it can be made again.
  database.pragma('synchronous = NORMAL');
  database.pragma('foreign_keys = ON');
  database.pragma(`wal_autocheckpoint = ${LOG_PAGES}`);
  database.pragma(`journal_size_limit = ${LOG_BYTES}`);
  database.pragma('busy_timeout = 5000');
  database.pragma('trusted_schema = OFF');
  database.pragma('cell_size_check = ON');
  // Blocks are read once, from end to end: pages that were read are not wanted again, in each of several threads.
  database.pragma(`cache_size = -${PAGE_CACHE_KIB}`);
}

/** On closing: an empty log and fresh statistics. Neither is worth failing for. */
function tidy(database: Database.Database): void {
  try {
    database.pragma('optimize');
    database.pragma('wal_checkpoint(TRUNCATE)');
  } catch (thrown) {
    if (!(thrown instanceof Database.SqliteError)) throw thrown;
  }
}

/** What tells the file at a path from every other one while it is open; null when there is none. */
function fileAt(path: string): string | null {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev} ${found.ino}`;
}

/** For jobs that were at work when the studio noticed. */
function closedCache(path: string): StudioError {
  return new StudioError('NOT_FOUND', `The cache ${path} was deleted or replaced while it was read.`, {
    nextStep: 'Look which data sets are still there, import those that are gone, and try again.',
    place: { file: path },
  });
}

/** There when SQLite met damage: the next opening checks the whole file. */
export function damagePath(path: string): string {
  return `${path}.damaged`;
}

function noteDamage(path: string): void {
  try {
    writeFileSync(damagePath(path), 'SQLite met damage in the cache; the next opening checks all of it.\n');
  } catch {
    // The disk may be full or read-only; the error about the damage itself is what matters.
  }
}
