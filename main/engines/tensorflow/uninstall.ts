/** @file Node. `engines uninstall tensorflow`: says what would go and how large it is, then removes it. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { acquireFileLock } from '../../files/fileLock.ts';
import { downloadFolder, folderBytes, installationFolder, tensorflowFolder } from './installation.ts';

export interface RemovablePart {
  readonly what: 'tensorflow (cpu)' | 'tensorflow (cuda)' | 'kept downloads';
  readonly folder: string;
  readonly sizeBytes: number;
}

/** What an uninstall would remove, for a person to confirm; empty when nothing is there. */
export function tensorflowParts(dataDirectory: string): RemovablePart[] {
  const places = [
    { what: 'tensorflow (cpu)', folder: installationFolder(dataDirectory, 'cpu') },
    { what: 'tensorflow (cuda)', folder: installationFolder(dataDirectory, 'cuda') },
    { what: 'kept downloads', folder: downloadFolder(dataDirectory) },
  ] as const;
  return places
    .filter(({ folder }) => existsSync(folder))
    .map((place) => ({ ...place, sizeBytes: folderBytes(place.folder) }));
}

/**
 * Removes both kinds and kept downloads. Runs that were trained with it stay as they are.
 * @returns what was removed
 * @throws LOCKED while an installation goes on
 */
export function uninstallTensorflow(dataDirectory: string): RemovablePart[] {
  const parts = tensorflowParts(dataDirectory);
  if (parts.length === 0) return parts;
  const lockPath = join(tensorflowFolder(dataDirectory), 'install.lock');
  const lock = acquireFileLock(lockPath, { purpose: 'removing the engine tensorflow' });
  try {
    for (const { folder } of parts) rmSync(folder, { recursive: true, force: true });
  } finally {
    lock.release();
  }
  return parts;
}
