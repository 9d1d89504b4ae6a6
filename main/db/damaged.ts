/** @file Node. A damaged studio.db is renamed aside, never overwritten; the best copy there is takes its place. */
import { copyFileSync, existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { renamePatiently } from '../files/durableWrite.ts';
import { writeError } from '../files/fileErrors.ts';
import type { FileLock } from '../files/fileLock.ts';
import { acquireFileLock } from '../files/fileLock.ts';
import { nodeFileSystem } from '../files/fileSystem.ts';
import { temporaryName } from '../files/temporaryName.ts';
import { backupTime, fileTime, listBackups, syncFile } from './backup.ts';
import type { Condition } from './inspect.ts';
import { inspectDatabase } from './inspect.ts';
import type { Migration } from './migrations/migration.ts';

const COMPANIONS = ['-wal', '-shm', '-journal'];
const LOCK_ATTEMPTS = 50;
const LOCK_PAUSE_MS = 100;

/**
 * Leaves at `path` a sound database, or nothing (then a fresh one may be made), and tells what was done in sentences
 * for a person. Does nothing when the file is sound. Two processes that start at once take turns: the second finds
 * the work done.
 */
export function putInOrder(path: string, migrations: readonly Migration[]): string[] {
  if (!needsRepair(path, inspectDatabase(path, migrations, 'start'))) return [];
  const lock = waitForLock(`${path}.repair`);
  try {
    const condition = inspectDatabase(path, migrations, 'start');
    return needsRepair(path, condition) ? repair(path, migrations, condition) : [];
  } finally {
    lock.release();
  }
}

/** Damaged; or gone or emptied, while something shows that it was not always so. */
function needsRepair(path: string, condition: Condition): boolean {
  if (condition.kind === 'missing' || condition.kind === 'empty')
    return isThere(`${path}-wal`) || listBackups(path).length > 0;
  return condition.kind === 'damaged';
}

function repair(path: string, migrations: readonly Migration[], condition: Condition): string[] {
  const aside = setAside(path);
  const what = problemSentence(path, condition, aside);
  for (const candidate of candidates(path, aside)) {
    if (!restore(candidate, path, migrations)) continue;
    if (aside.includes(candidate)) {
      return [`${what} It is sound without its -wal file and is used so: the last changes may be missing.`];
    }
    const made = new Date(backupTime(candidate)).toISOString().slice(0, 16).replace('T', ' ');
    return [`${what} The backup of ${made} UTC (${candidate}) was restored: what came after it is missing.`];
  }
  return [`${what} There is no usable backup: Entail starts with an empty database.`];
}

/** What may take the file's place, best first. */
function candidates(path: string, aside: readonly string[]): string[] {
  const wal = aside.find((moved) => moved.endsWith('-wal'));
  const file = wal?.slice(0, -'-wal'.length);
  // Without its -wal the file may be sound: it then lacks only the last changes, a backup lacks up to a day.
  const withoutWal = file !== undefined && aside.includes(file) && isThere(wal!) ? [file] : [];
  return [...withoutWal, ...listBackups(path)];
}

function problemSentence(path: string, condition: Condition, aside: readonly string[]): string {
  const kept = aside[0] === undefined ? '' : ` What was there is kept as ${aside[0]}.`;
  if (condition.kind === 'missing') return `${path} is missing.${kept}`;
  if (condition.kind === 'damaged') return `${path} is damaged (${condition.reason}).${kept}`;
  return `${path} is empty.${kept}`;
}

/** Renames the file and its companions, those that are there; returns their new paths, the file's first. */
function setAside(path: string): string[] {
  const aside = freeName(path);
  const moved: string[] = [];
  // The file itself goes first: without it nobody can mistake its -wal for one that belongs to what comes next.
  for (const end of ['', ...COMPANIONS]) {
    if (!existsSync(path + end)) continue;
    try {
      renamePatiently(nodeFileSystem, path + end, aside + end);
    } catch (thrown) {
      throw writeError(thrown, path + end);
    }
    moved.push(aside + end);
  }
  nodeFileSystem.syncFolder(dirname(path));
  return moved;
}

function freeName(path: string): string {
  for (let atMs = Date.now(); ; atMs++) {
    const name = `${path}.damaged-${fileTime(atMs)}`;
    if (['', ...COMPANIONS].every((end) => !existsSync(name + end))) return name;
  }
}

/** Puts a copy of `candidate` in place if it is sound. */
function restore(candidate: string, path: string, migrations: readonly Migration[]): boolean {
  const temporary = join(dirname(path), temporaryName(basename(path)));
  try {
    copyFileSync(candidate, temporary);
    if (!isSound(temporary, migrations)) return false;
    syncFile(temporary);
    renameSync(temporary, path);
    nodeFileSystem.syncFolder(dirname(path));
    return true;
  } catch (thrown) {
    throw writeError(thrown, path);
  } finally {
    for (const end of ['', ...COMPANIONS]) rmSync(temporary + end, { force: true });
  }
}

function isSound(copy: string, migrations: readonly Migration[]): boolean {
  try {
    return inspectDatabase(copy, migrations, 'full').kind === 'sound';
  } catch (thrown) {
    // Of a newer version, or of another program: not a copy that can be used.
    if (thrown instanceof StudioError && (thrown.code === 'DATABASE_NEWER' || thrown.code === 'BAD_FILE'))
      return false;
    throw thrown;
  }
}

function isThere(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

function waitForLock(path: string): FileLock {
  for (let attempt = 1; ; attempt++) {
    try {
      return acquireFileLock(path, { purpose: 'repairing studio.db' });
    } catch (thrown) {
      const locked = thrown instanceof StudioError && thrown.code === 'LOCKED';
      if (!locked || attempt === LOCK_ATTEMPTS) throw thrown;
      nodeFileSystem.pause(LOCK_PAUSE_MS);
    }
  }
}
