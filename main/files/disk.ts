/** @file Node. Room on a disk: asked before something large is written, not found out half-way. */
import { existsSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { readError } from './fileErrors.ts';

/**
 * Bytes that this user may still write on the disk of `folder`; of its nearest existing parent when it is not there
 * yet.
 * @throws UNREADABLE, NOT_FOUND
 */
export function freeBytes(folder: string): number {
  let existing = resolve(folder);
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  try {
    const { bavail, bsize } = statfsSync(existing);
    return bavail * bsize;
  } catch (thrown) {
    throw readError(thrown, existing);
  }
}

/**
 * Makes sure that there is room.
 * @param why what needs it, as the start of a sentence: "The download of snli_1.0.zip"
 * @throws DISK_FULL with both figures
 */
export function requireFreeBytes(folder: string, bytes: number, why: string): void {
  const free = freeBytes(folder);
  if (free >= bytes) return;
  const message = `${why} needs ${formatBytes(bytes)}, but only ${formatBytes(free)} are free in ${folder}.`;
  const nextStep = `Free ${formatBytes(bytes - free)} more, or choose a folder on another disk.`;
  throw new StudioError('DISK_FULL', message, { nextStep, place: { file: folder } });
}

/** A size as people read it: "0 bytes", "1 byte", "999 bytes", "1.0 kB", "94.6 MB", "1.2 GB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return bytes === 1 ? '1 byte' : `${bytes} bytes`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let size = bytes / 1000;
  // What would be rounded to 1000.0 belongs to the next unit.
  while (size >= 999.95 && units.length > 1) {
    size /= 1000;
    units.shift();
  }
  return `${size.toFixed(1)} ${units[0]}`;
}
