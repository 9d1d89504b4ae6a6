/**
 * @file Node. A GPU belongs to one run at a time, whatever data directory it is of: a lock a GPU, in a folder of this user's.
 * The kernel holds it (fileLock.ts), so that a killed process leaves nothing locked. The processor is nobody's: the system
 * shares it, and a data directory's queue trains one run on it at a time.
 */
import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Device } from '../../shared/devices.ts';
import { StudioError } from '../../shared/errors.ts';
import { writeError } from '../files/fileErrors.ts';
import { acquireFileLock, type FileLock, isFileLocked, readLockHolder } from '../files/fileLock.ts';

export interface GpuHolder {
  readonly pid: number;
  /** Such as "run r7f3k2". */
  readonly purpose: string;
}

/**
 * Takes all GPUs that the devices may be, or none.
 * @throws StudioError LOCKED, naming the process that has one; WRITE_FAILED where no lock can be made.
 */
export function lockDevices(devices: readonly Device[], purpose: string): FileLock {
  const gpus = [...new Set(devices.flatMap((device) => device.gpus))].sort();
  const locks: FileLock[] = [];
  const release = () => {
    for (const lock of locks.splice(0)) lock.release();
  };
  try {
    for (const gpu of gpus) locks.push(acquireFileLock(lockPath(gpu), { purpose }));
  } catch (thrown) {
    release();
    throw thrown;
  }
  return { release };
}

/** The process that has locked one of a device's GPUs; null when none has. */
export function lockHolderOf({ gpus }: Pick<Device, 'gpus'>): GpuHolder | null {
  for (const gpu of gpus) {
    const path = lockPath(gpu);
    if (!isFileLocked(path)) continue;
    const holder = readLockHolder(path);
    // Without a name it was taken in this moment, or on a full disk.
    return holder === null ? { pid: 0, purpose: 'unknown' } : { pid: holder.pid, purpose: holder.purpose };
  }
  return null;
}

function lockPath(gpu: string): string {
  return join(lockFolder(), `${fileNameOf(gpu)}.lock`);
}

/** A GPU's name as a part of a file's. */
export function fileNameOf(gpu: string): string {
  return gpu.replaceAll(/[^\w.-]/g, '_');
}

/** In the system's temporary folder: local to the machine, as GPUs are, which a home folder may not be. */
export function lockFolder(): string {
  const user = process.getuid?.() ?? 'user';
  const folder = join(tmpdir(), `entail-devices-${user}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (thrown) {
    throw writeError(thrown, folder);
  }
  const found = lstatSync(folder);
  if (found.isDirectory() && (typeof user === 'string' || found.uid === user)) return folder;
  throw new StudioError('WRITE_FAILED', `${folder}, where GPUs are locked, belongs to somebody else.`, {
    nextStep: 'Remove it, or set TMPDIR to a folder of your own.',
    place: { file: folder },
  });
}
