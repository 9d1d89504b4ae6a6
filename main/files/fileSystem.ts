/**
 * @file Node. The few operations of which a durable write is made, each of which can fail. Writers take them as a
 * parameter, so that a test can make the k-th one fail, or stop the machine there.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';

export interface FileSystem {
  /** Makes one folder, which must not exist yet. */
  makeFolder(path: string): void;
  /** Makes a file, which must not exist yet, and opens it for writing. */
  createFile(path: string): number;
  /** Writes some of the bytes, at least one; returns how many. */
  write(file: number, bytes: Uint8Array): number;
  /** Returns when the file's bytes are on the disk. */
  syncFile(file: number): void;
  closeFile(file: number): void;
  rename(from: string, to: string): void;
  /** Returns when the names in the folder are on the disk. */
  syncFolder(path: string): void;
  /** Removes a file, or a folder with all that is in it; nothing there is fine. */
  remove(path: string): void;
  /** Names in a folder. */
  list(folder: string): string[];
  /** Blocks the thread. */
  pause(ms: number): void;
}

/** The real thing. */
export const nodeFileSystem: FileSystem = {
  makeFolder: (path) => void mkdirSync(path),
  createFile: (path) => openSync(path, 'wx'),
  write: (file, bytes) => writeSync(file, bytes),
  syncFile: fsyncSync,
  closeFile: closeSync,
  rename: renameSync,
  syncFolder,
  remove: (path) => rmSync(path, { recursive: true, force: true }),
  list: (folder) => readdirSync(folder),
  pause: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
};

function syncFolder(path: string): void {
  // Windows has no such call; NTFS keeps the order of its own names.
  if (process.platform === 'win32') return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
