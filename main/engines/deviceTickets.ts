/**
 * @file Node. Who has waited longest for a GPU, among the Entails of this user, whatever data directories they are of: a ticket
 * a wait, with the moment at which it began. Whoever comes later leaves the GPUs of a ticket to it, also while they are free;
 * without that a process that trains one run after the other would take its GPU again before anybody else looks.
 *
 * A ticket is a locked file for each of its GPUs beside the locks of the GPUs themselves. The kernel unlocks it when its process
 * ends, however it ends; the file that is left then means nothing, and is removed by whoever finds it.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../files/fileErrors.ts';
import { acquireFileLock, type FileLock, isFileLocked, readLockHolder } from '../files/fileLock.ts';
import { fileNameOf, type GpuHolder, lockFolder } from './deviceLocks.ts';

export interface DeviceTicket extends FileLock {
  /** As text, the older one comes first: every two tickets have an order, so that no two wait for each other. */
  readonly id: string;
  readonly gpus: readonly string[];
  readonly sinceMs: number;
}

/** A ticket that somebody holds now. */
export interface FoundTicket extends GpuHolder {
  readonly id: string;
  readonly gpu: string;
}

/** A ticket's file is there a moment before it is locked; one that lies longer is nobody's. */
const MADE_AND_LOCKED_MS = 60_000;
const NAME = /^(\d{15}-[\da-f-]{36})\+(.+)\.ticket$/;

/** @throws StudioError WRITE_FAILED where no lock can be made. */
export function drawTicket(gpus: readonly string[], purpose: string, sinceMs = Date.now()): DeviceTicket {
  const id = `${String(Math.round(sinceMs)).padStart(15, '0')}-${randomUUID()}`;
  const locks = new Map<string, FileLock>();
  const release = () => {
    for (const [path, lock] of locks) {
      lock.release();
      removeTicket(path);
    }
    locks.clear();
  };
  try {
    for (const gpu of new Set(gpus)) {
      const path = join(lockFolder(), `${id}+${fileNameOf(gpu)}.ticket`);
      locks.set(path, acquireFileLock(path, { purpose }));
    }
  } catch (thrown) {
    release();
    throw thrown;
  }
  return { id, gpus, sinceMs, release };
}

/** The tickets for these GPUs, but for those that are `own`. */
export function findTickets(gpus: readonly string[], own: (ticket: FoundTicket) => boolean): FoundTicket[] {
  const folder = lockFolder();
  return readdirSync(folder).flatMap((name) => {
    const [, id, file] = NAME.exec(name) ?? [];
    const gpu = gpus.find((one) => fileNameOf(one) === file);
    if (id === undefined || gpu === undefined) return [];
    const path = join(folder, name);
    if (!isFileLocked(path)) {
      if (isOld(path)) removeTicket(path);
      return [];
    }
    const { pid = 0, purpose = 'unknown' } = readLockHolder(path) ?? {};
    const found = { id, gpu, pid, purpose };
    return own(found) ? [] : [found];
  });
}

function isOld(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs > MADE_AND_LOCKED_MS;
}

/** One that cannot be removed does no harm: nobody holds it. */
function removeTicket(path: string): void {
  for (const one of [path, `${path}.holder`])
    try {
      rmSync(one, { force: true });
    } catch (thrown) {
      if (systemCode(thrown) === null) throw thrown;
    }
}
