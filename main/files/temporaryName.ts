/**
 * @file Node. Names of files and folders that are being written. A name says which process of which machine writes
 * it, so that leftovers of a crash are told from work in progress, even after a reboot gave the pid to another.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isProcessAlive, processStartTime } from './processIdentity.ts';

const PATTERN = /\.tmp-([0-9a-f]{8})-([0-9]{1,10})-([0-9a-f]{8})-[0-9a-f]{12}$/;
/** Whether a process of another machine still runs cannot be asked; nothing takes this long to write. */
const FOREIGN_AGE_MS = 24 * 3600 * 1000;

/** A name for the unfinished form of `name`, unlike any other; at most 100 characters of `name` stand in it. */
export function temporaryName(name: string): string {
  const random = randomBytes(6).toString('hex');
  return `${name.slice(0, 100)}.tmp-${shortHash(hostname())}-${process.pid}-${startMark(process.pid)}-${random}`;
}

/**
 * Whether `name` in `folder` is an unfinished file or folder whose writer is gone. Writers of this process count as
 * present.
 */
export function isAbandoned(folder: string, name: string): boolean {
  const [, host, pidText, start] = PATTERN.exec(name) ?? [];
  if (host === undefined || pidText === undefined) return false;
  if (host !== shortHash(hostname())) return ageMs(join(folder, name)) > FOREIGN_AGE_MS;
  const pid = Number(pidText);
  return !isProcessAlive(pid, null) || startMark(pid) !== start;
}

/** Eight letters for a process's start; the same for all where start times cannot be had. */
function startMark(pid: number): string {
  return shortHash(processStartTime(pid) ?? '');
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function ageMs(path: string): number {
  const changed = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return changed === undefined ? 0 : Date.now() - changed;
}
