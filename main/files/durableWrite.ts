/** @file Node. The two steps of which every durable write is made: a synced file, and a patient rename. */
import { systemCode } from './fileErrors.ts';
import type { FileSystem } from './fileSystem.ts';

/** One call writes at most this much, so that hashing and writing take turns on bytes that are still in the cache. */
const SLICE_BYTES = 8 << 20;
const RENAME_RETRIES = 20;
/** What a virus scanner or an indexer that has the file open makes a rename fail with, for a moment. */
const PASSING_TROUBLE: ReadonlySet<string | null> = new Set(['EBUSY', 'EPERM', 'EACCES']);

/**
 * Writes a new file and returns when its bytes are on the disk. `onBytes` sees every byte in order, before it is
 * written. A failed sync is final: the kernel may have dropped the bytes, and a second call would report success.
 * @returns the size in bytes
 */
export function writeSyncedFile(
  fileSystem: FileSystem,
  path: string,
  chunks: readonly Uint8Array[],
  onBytes?: (bytes: Uint8Array) => void,
): number {
  const file = fileSystem.createFile(path);
  let sizeBytes = 0;
  try {
    for (const chunk of chunks) {
      for (let start = 0; start < chunk.byteLength; start += SLICE_BYTES) {
        const slice = chunk.subarray(start, start + SLICE_BYTES);
        onBytes?.(slice);
        writeAll(fileSystem, file, slice);
        sizeBytes += slice.byteLength;
      }
    }
    fileSystem.syncFile(file);
  } finally {
    fileSystem.closeFile(file);
  }
  return sizeBytes;
}

/** The system may take fewer bytes than it was given (a nearly full disk, a signal). */
export function writeAll(fileSystem: FileSystem, file: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.byteLength) done += fileSystem.write(file, bytes.subarray(done));
}

/** Renames, and waits up to about a second and a half for whoever has the file open. */
export function renamePatiently(fileSystem: FileSystem, from: string, to: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      fileSystem.rename(from, to);
      return;
    } catch (thrown) {
      if (attempt > RENAME_RETRIES || !PASSING_TROUBLE.has(systemCode(thrown))) throw thrown;
      fileSystem.pause(Math.min(10 * attempt, 100));
    }
  }
}
