/** @file Node. Copies of studio.db that can be trusted: checked, synced, renamed into place; the newest five stay. */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { renamePatiently } from '../files/durableWrite.ts';
import { writeError } from '../files/fileErrors.ts';
import { nodeFileSystem } from '../files/fileSystem.ts';
import { isAbandoned, temporaryName } from '../files/temporaryName.ts';
import type { StudioDatabase } from './connection.ts';
import { APPLICATION_ID } from './settings.ts';
import { corrupt, studioErrorOf } from './sqliteErrors.ts';

const KEEP = 5;
const DAY_MS = 24 * 3600 * 1000;
const PATTERN = /^studio-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z\.db$/;
const PAGES_PER_TURN = 1000;

/** Where the backups of the database at `path` lie. */
export function backupFolder(path: string): string {
  return join(dirname(path), 'backups');
}

/** Paths of the backups of the database at `path`, newest first. */
export function listBackups(path: string): string[] {
  const folder = backupFolder(path);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => PATTERN.test(name));
  return names
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}

/** When a backup was made, in milliseconds since 1970, by its name. */
export function backupTime(path: string): number {
  const [, day, hour, minute, second, ms] = PATTERN.exec(basename(path)) ?? [];
  return Date.parse(`${day}T${hour}:${minute}:${second}.${ms}Z`);
}

/**
 * Makes a backup when the newest is more than a day old; meant for the start of a long-lived process. The event loop
 * goes on meanwhile. Returns the backup's path, or null when none was due.
 * Throws DISK_FULL, WRITE_FAILED or DATABASE_CORRUPT; no half backup is left.
 */
export async function backupIfDue(database: StudioDatabase, now = Date.now()): Promise<string | null> {
  const newest = listBackups(database.path)[0];
  // A time in the future is a clock that was wrong once: it must not stop backups for years.
  if (newest !== undefined && Math.abs(now - backupTime(newest)) < DAY_MS) return null;
  return backupStudio(database, now);
}

/** Makes a backup now, without stopping the event loop; returns its path. Throws as `backupIfDue` does. */
export async function backupStudio(database: StudioDatabase, now = Date.now()): Promise<string> {
  const { path, connection } = database;
  const temporary = prepareTemporary(path);
  try {
    let lowest = Number.POSITIVE_INFINITY;
    await connection.backup(temporary, {
      progress: ({ totalPages, remainingPages }) => {
        // More left than before: another process wrote, and SQLite starts again. Then take all in one turn.
        const restarted = remainingPages > lowest;
        lowest = Math.min(lowest, remainingPages);
        return restarted ? totalPages + PAGES_PER_TURN : PAGES_PER_TURN;
      },
    });
    return sealBackup(temporary, path, now);
  } catch (thrown) {
    throw failed(thrown, path);
  } finally {
    removeTemporary(temporary);
  }
}

/**
 * Makes a backup at once, for the moment before an upgrade, when nothing else goes on in this process; returns its
 * path. VACUUM INTO reads one state of the file, whatever other processes write.
 */
export function backupBeforeUpgrade(connection: Database.Database, path: string, now = Date.now()): string {
  const temporary = prepareTemporary(path);
  try {
    connection.prepare('VACUUM INTO ?').run(temporary);
    return sealBackup(temporary, path, now);
  } catch (thrown) {
    throw failed(thrown, path);
  } finally {
    removeTemporary(temporary);
  }
}

function prepareTemporary(path: string): string {
  const folder = backupFolder(path);
  try {
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder))
      if (isAbandoned(folder, name)) rmSync(join(folder, name), { force: true });
  } catch (thrown) {
    throw writeError(thrown, folder);
  }
  return join(folder, temporaryName('studio.db'));
}

/** Checks the copy, makes it durable, gives it its name, and lets the oldest go. */
function sealBackup(temporary: string, path: string, now: number): string {
  requireSound(temporary);
  syncFile(temporary);
  const final = join(backupFolder(path), `studio-${fileTime(now)}.db`);
  try {
    renamePatiently(nodeFileSystem, temporary, final);
    nodeFileSystem.syncFolder(backupFolder(path));
  } catch (thrown) {
    throw writeError(thrown, final);
  }
  for (const old of listBackups(path).slice(KEEP)) rmSync(old, { force: true });
  return final;
}

function requireSound(copy: string): void {
  const connection = new Database(copy);
  try {
    // In WAL mode even reading would leave files beside the copy.
    connection.pragma('journal_mode = DELETE');
    const answer = connection.pragma('quick_check(1)', { simple: true });
    if (answer !== 'ok') throw corrupt(copy, String(answer));
    if (connection.pragma('application_id', { simple: true }) !== APPLICATION_ID)
      throw corrupt(copy, 'wrong header');
  } finally {
    connection.close();
  }
}

/** Returns when a file's bytes are on the disk. */
export function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    nodeFileSystem.syncFile(file);
  } finally {
    closeSync(file);
  }
}

/** A moment as it stands in file names: 2026-03-01T12-30-05-123Z, sorting as text. */
export function fileTime(atMs: number): string {
  return new Date(atMs).toISOString().replace(/[:.]/g, '-');
}

function removeTemporary(temporary: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(`${temporary}${end}`, { force: true });
}

function failed(thrown: unknown, path: string): unknown {
  const error = studioErrorOf(thrown, path);
  // Node's own errors (EIO, ENOSPC from fsync) name no database.
  return error instanceof Database.SqliteError ? error : writeError(error, backupFolder(path));
}
