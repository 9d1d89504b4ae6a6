/**
 * @file Node. A lock that at most one process of a machine holds, and that a dead process cannot keep.
 *
 * The lock itself is SQLite's write lock on an empty database file: the kernel gives it up the moment its holder
 * ends, however it ends, so there is no stale lock to recognise and nothing for two contenders to race for. A file
 * beside it names the holder, for the message only; it decides nothing.
 */
import { readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { StudioError } from '../../shared/errors.ts';
import { writeFileAtomic } from './atomicWrite.ts';
import { systemCode } from './fileErrors.ts';
import { isProcessAlive, processStartTime } from './processIdentity.ts';

export interface FileLock {
  /** Gives the lock up; a second call does nothing. */
  release(): void;
}

const holderSchema = z.object({
  pid: z.number().int().positive(),
  startTime: z.string().nullable(),
  host: z.string(),
  purpose: z.string(),
  since: z.string(),
});

/** Who holds a lock, and what for. */
export type LockHolder = z.infer<typeof holderSchema>;

/** A new holder needs a moment to write its name after it has the lock. */
const NAME_ATTEMPTS = 10;
const NAME_PAUSE_MS = 20;
const LOOK_EVERY_MS = 200;

/**
 * Takes the lock at `path` once it is free.
 * @throws as `acquireFileLock`, LOCKED when it is still held after `mostMs`, or when the signal fires
 */
export async function awaitFileLock(
  path: string,
  {
    purpose,
    mostMs,
    signal,
  }: { readonly purpose: string; readonly mostMs: number; readonly signal?: AbortSignal | undefined },
): Promise<FileLock> {
  const beganMs = performance.now();
  while (true) {
    try {
      return acquireFileLock(path, { purpose });
    } catch (thrown) {
      const isLate = performance.now() - beganMs > mostMs || signal?.aborted === true;
      if (isLate || !(thrown instanceof StudioError) || thrown.code !== 'LOCKED') throw thrown;
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/**
 * Takes the lock at `path`, or throws at once. The file stays when the lock is released: removing it would let two
 * processes hold locks on two files of the same name.
 * @param purpose what the holder does, for whoever finds it locked: "training run 12"
 * @throws LOCKED naming the holder; DISK_FULL or WRITE_FAILED (with the reason) when the lock file cannot be made
 */
export function acquireFileLock(path: string, { purpose }: { purpose: string }): FileLock {
  for (let attempt = 1; ; attempt++) {
    const database = tryLock(path);
    if (database !== null) return nameAndHold(path, database, purpose);
    const holder = readLockHolder(path);
    if (holder !== null || attempt === NAME_ATTEMPTS) throw lockedError(path, holder);
    pauseForName();
  }
}

function pauseForName(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NAME_PAUSE_MS);
}

/**
 * Whether a process holds the lock at `path`. Leaves no name, so that many may ask at once: one who only asks is gone
 * in a moment and named nowhere, and is not taken for a holder.
 * @throws WRITE_FAILED when the lock file cannot be made.
 */
export function isFileLocked(path: string): boolean {
  for (let attempt = 1; ; attempt++) {
    const database = tryLock(path);
    if (database !== null) {
      database.close();
      return false;
    }
    if (readLockHolder(path) !== null || attempt === NAME_ATTEMPTS) return true;
    pauseForName();
  }
}

/**
 * Who holds the lock at `path`, by the name it left; null when nobody left one or its process is gone. Only a hint:
 * whether the lock is held is known by taking it.
 */
export function readLockHolder(path: string): LockHolder | null {
  try {
    const holder = holderSchema.parse(JSON.parse(readFileSync(holderPath(path), 'utf8')));
    const here = holder.host === hostname();
    return here && !isProcessAlive(holder.pid, holder.startTime) ? null : holder;
  } catch {
    return null; // not there, or half of it
  }
}

/** The database whose open transaction is the lock; null when another connection has it. */
function tryLock(path: string): Database.Database | null {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    // The transaction never writes a byte, and must not leave a journal for the next holder to roll back.
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN IMMEDIATE');
    return database;
  } catch (thrown) {
    database?.close();
    if (systemCode(thrown)?.startsWith('SQLITE_BUSY') === true) return null;
    throw lockFileError(thrown, path);
  }
}

function nameAndHold(path: string, database: Database.Database, purpose: string): FileLock {
  const holder: LockHolder = {
    pid: process.pid,
    startTime: processStartTime(process.pid),
    host: hostname(),
    purpose,
    since: new Date().toISOString(),
  };
  try {
    writeFileAtomic(holderPath(path), `${JSON.stringify(holder)}\n`);
  } catch (thrown) {
    // The lock holds without its name: on a full disk, above all, somebody must be able to delete things.
    if (!(thrown instanceof StudioError)) {
      database.close();
      throw thrown;
    }
    forgetHolder(path);
  }
  const release = () => {
    process.off('exit', release);
    if (!database.open) return;
    forgetHolder(path);
    database.close();
  };
  // Besides tidying up, this reference keeps the connection from being collected, and the lock lost, when the caller
  // forgets the object that we return.
  process.on('exit', release);
  return { release };
}

/** A name that cannot be removed does no harm: nobody trusts one without asking for the lock. */
function forgetHolder(path: string): void {
  try {
    rmSync(holderPath(path), { force: true });
  } catch (thrown) {
    if (systemCode(thrown) === null) throw thrown;
  }
}

function holderPath(path: string): string {
  return `${path}.holder`;
}

function lockedError(path: string, holder: LockHolder | null): StudioError {
  const place = { file: path };
  if (holder === null) {
    const nextStep = 'Wait until it is done, or end it, and try again.';
    return new StudioError('LOCKED', `${path} is locked by another process.`, { nextStep, place });
  }
  const machine = holder.host === hostname() ? '' : ` on ${holder.host}`;
  const message = `${path} is locked by process ${holder.pid}${machine} (${holder.purpose}) since ${holder.since}.`;
  const nextStep = `Wait until process ${holder.pid} is done, or end it, and try again.`;
  return new StudioError('LOCKED', message, { nextStep, place });
}

function lockFileError(thrown: unknown, path: string): StudioError {
  const code = systemCode(thrown) ?? '';
  const trouble = LOCK_TROUBLES.find(({ codes }) => codes.some((start) => code.startsWith(start)));
  // A missing folder has no code at all: better-sqlite3 throws a TypeError for it.
  const { what, nextStep } = trouble ?? {
    what: 'the folder is missing',
    nextStep: 'Choose another folder and try again.',
  };
  const message = `The lock ${path} could not be taken: ${what}.`;
  return new StudioError('WRITE_FAILED', message, { nextStep, place: { file: path }, cause: thrown });
}

const LOCK_TROUBLES: readonly { codes: readonly string[]; what: string; nextStep: string }[] = [
  {
    codes: ['SQLITE_NOTADB', 'SQLITE_CORRUPT'],
    what: 'the file should be empty, but something else stands in it',
    nextStep: 'Move that file away and try again.',
  },
  {
    codes: ['SQLITE_CANTOPEN', 'SQLITE_READONLY', 'SQLITE_PERM', 'SQLITE_AUTH'],
    what: 'the file or its folder may not be written',
    nextStep: 'Choose a folder that you may write to, or change its permissions.',
  },
  {
    codes: ['SQLITE_IOERR', 'SQLITE_PROTOCOL'],
    what: 'this file system cannot lock files',
    nextStep: 'Choose a data directory on a local disk.',
  },
];
