/** @file Node. Replaces a file so that a crash or a power cut leaves the old content or the new, never a mixture. */
import { basename, dirname, join } from 'node:path';
import { renamePatiently, writeSyncedFile } from './durableWrite.ts';
import { writeError } from './fileErrors.ts';
import { type FileSystem, nodeFileSystem } from './fileSystem.ts';
import { temporaryName } from './temporaryName.ts';

/**
 * Writes a file beside the old one, syncs it, renames it over the old one and syncs the folder. A symbolic link at
 * `path` is replaced, not followed.
 * @throws DISK_FULL or WRITE_FAILED, naming the path; the old file is then unharmed and no leftover stays
 */
export function writeFileAtomic(
  path: string,
  bytes: Uint8Array | string,
  fileSystem: FileSystem = nodeFileSystem,
): void {
  const folder = dirname(path);
  const temporary = join(folder, temporaryName(basename(path)));
  try {
    writeSyncedFile(fileSystem, temporary, [typeof bytes === 'string' ? Buffer.from(bytes) : bytes]);
    renamePatiently(fileSystem, temporary, path);
    fileSystem.syncFolder(folder);
  } catch (thrown) {
    removeQuietly(fileSystem, temporary);
    throw writeError(thrown, path);
  }
}

/** Clears up after a failure; what cannot be removed now is swept at the next start. */
export function removeQuietly(fileSystem: FileSystem, path: string): void {
  try {
    fileSystem.remove(path);
  } catch {
    // The first error is the one to report.
  }
}
