/**
 * @file Runs under Node. One studio a data directory: the second one is pointed to the first. The lock is held by the
 * kernel (fileLock.ts); the address beside it is for people and carries no key.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { StudioError } from '../../shared/errors.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import { acquireFileLock, type FileLock, isFileLocked } from '../files/fileLock.ts';

const LOCK = 'studio.lock';
const ADDRESS = 'studio-address.json';

const addressSchema = z.object({
  pid: z.number(),
  host: z.enum(['desktop', 'headless']),
  url: z.string().nullable(),
});
export type StudioAddress = z.infer<typeof addressSchema>;

export interface StudioLock {
  /** Says where this studio is to be found. */
  announce(address: Omit<StudioAddress, 'pid'>): void;
  release(): void;
}

/** @throws StudioError LOCKED, naming the studio that has the directory and where it is to be found. */
export function lockStudio(dataDirectory: string): StudioLock {
  const path = join(dataDirectory, ADDRESS);
  let lock: FileLock;
  try {
    lock = acquireFileLock(join(dataDirectory, LOCK), { purpose: 'an open studio' });
  } catch (thrown) {
    if (!(thrown instanceof StudioError) || thrown.code !== 'LOCKED') throw thrown;
    throw lockedBy(dataDirectory, runningStudio(dataDirectory));
  }
  return {
    announce: (address) => writeFileAtomic(path, JSON.stringify({ pid: process.pid, ...address })),
    release: () => {
      rmSync(path, { force: true });
      lock.release();
    },
  };
}

/** The studio that says it has the directory; null when none does. Whether it lives is known by taking the lock. */
export function runningStudio(dataDirectory: string): StudioAddress | null {
  try {
    return addressSchema.parse(JSON.parse(readFileSync(join(dataDirectory, ADDRESS), 'utf8')));
  } catch {
    return null;
  }
}

/** True while a studio is open on the directory. */
export function isStudioOpen(dataDirectory: string): boolean {
  return isFileLocked(join(dataDirectory, LOCK));
}

function lockedBy(dataDirectory: string, address: StudioAddress | null): StudioError {
  const who = address === null ? 'Another studio' : `A studio (process ${address.pid})`;
  const where = address?.url == null ? '' : ` It is at ${address.url}.`;
  return new StudioError('LOCKED', `${who} is open on ${dataDirectory}.${where}`, {
    nextStep:
      address?.host === 'headless'
        ? 'Use that one (the terminal that started it printed its address with the key), or end it first.'
        : 'Use its window, or end it first; another --data-dir works beside it.',
  });
}
