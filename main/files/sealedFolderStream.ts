/**
 * @file Node. Sealed folders (sealedFolder.ts) of files too large to hold: their bytes are made while they are written.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { removeQuietly } from './atomicWrite.ts';
import { writeAll } from './durableWrite.ts';
import { writeError } from './fileErrors.ts';
import { type FileSystem, nodeFileSystem } from './fileSystem.ts';
import { putInPlace, type Seal, writeManifest } from './sealedFolder.ts';
import { requireSealableNames, type SealedFile } from './sealManifest.ts';
import { temporaryName } from './temporaryName.ts';

/** A file's bytes, asked for once, after the files before it are written. */
export type ContentMaker = () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface StreamedWriting {
  /** Leaves between two chunks, with what it was aborted with; nothing is left then. */
  readonly signal?: AbortSignal;
  /** Called with every chunk's size as it is written. */
  readonly onBytes?: (sizeBytes: number) => void;
  readonly replace?: boolean;
  readonly fileSystem?: FileSystem;
}

/** One call writes at most this much, and lets others have their turn after it. */
const SLICE_BYTES = 8 << 20;
/** Syncing blocks this thread: a part at a time, so that it never does for long. */
const SYNC_EVERY_BYTES = 64 << 20;

/**
 * Writes the folder `parent/name` as `writeSealedFolder` does, its files in the order of the map.
 * @throws what a maker throws, what the signal was aborted with, and as `writeSealedFolder`
 */
export async function writeStreamedFolder(
  parent: string,
  name: string,
  files: ReadonlyMap<string, ContentMaker>,
  writing: StreamedWriting = {},
): Promise<Seal> {
  requireSealableNames(files.keys());
  const { fileSystem = nodeFileSystem, replace = false, signal } = writing;
  const temporary = join(parent, temporaryName(name));
  try {
    fileSystem.makeFolder(temporary);
    const sealed: SealedFile[] = [];
    for (const [file, make] of files)
      sealed.push({ name: file, ...(await writeFile(join(temporary, file), make, fileSystem, writing)) });
    const seal = writeManifest(fileSystem, temporary, sealed);
    signal?.throwIfAborted();
    putInPlace(fileSystem, { parent, name, temporary, seal, replace });
    return seal;
  } catch (thrown) {
    removeQuietly(fileSystem, temporary);
    signal?.throwIfAborted();
    throw writeError(thrown, join(parent, name));
  }
}

async function writeFile(
  path: string,
  make: ContentMaker,
  fileSystem: FileSystem,
  { signal, onBytes }: StreamedWriting,
): Promise<Omit<SealedFile, 'name'>> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let unsynced = 0;
  const file = fileSystem.createFile(path);
  try {
    for await (const chunk of make()) {
      for (let start = 0; start < chunk.byteLength; start += SLICE_BYTES) {
        signal?.throwIfAborted();
        const slice = chunk.subarray(start, start + SLICE_BYTES);
        hash.update(slice);
        writeAll(fileSystem, file, slice);
        sizeBytes += slice.byteLength;
        unsynced += slice.byteLength;
        if (unsynced >= SYNC_EVERY_BYTES) {
          fileSystem.syncFile(file);
          unsynced = 0;
        }
        onBytes?.(slice.byteLength);
        await nextTurn();
      }
    }
    fileSystem.syncFile(file);
  } finally {
    fileSystem.closeFile(file);
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}
