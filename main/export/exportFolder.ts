/**
 * @file Node. The folder that an export is written into: not yet in its place, every file synced, its size and SHA-256
 * noted for the manifest. Whoever made the folder renames it when all is done, or removes it.
 */
import { createHash } from 'node:crypto';
import { dirname, join, posix } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { writeError } from '../files/fileErrors.ts';
import { type FileSystem, nodeFileSystem } from '../files/fileSystem.ts';

export interface WrittenFile {
  /** Below the folder, with "/" between its parts: "onnx/model.onnx". */
  readonly name: string;
  readonly sizeBytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

export interface ExportFolderOptions {
  readonly fileSystem?: FileSystem;
  /** Ends the writing between two chunks, with CANCELLED. */
  readonly signal?: AbortSignal;
  /** Called as writing moves on, with all bytes so far. */
  readonly onBytes?: (writtenBytes: number) => void;
}

/** What a file is made of: chunks that are written one after another and may be made as they are asked for. */
export type FileContent = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** One call writes at most this much. */
const SLICE_BYTES = 8 << 20;

export class ExportFolder {
  readonly path: string;
  readonly #fileSystem: FileSystem;
  readonly #options: ExportFolderOptions;
  readonly #files = new Map<string, WrittenFile>();
  readonly #folders = new Set<string>();
  #writtenBytes = 0;

  /** @param path an empty folder that is there. */
  constructor(path: string, options: ExportFolderOptions = {}) {
    this.path = path;
    this.#options = options;
    this.#fileSystem = options.fileSystem ?? nodeFileSystem;
  }

  /** In the order in which they were written. */
  get files(): readonly WrittenFile[] {
    return [...this.#files.values()];
  }

  /**
   * @param name such as "onnx/model.onnx"; folders on the way are made.
   * @throws StudioError DISK_FULL, WRITE_FAILED, CANCELLED, or what the content throws.
   */
  async write(name: string, content: FileContent): Promise<WrittenFile> {
    const path = join(this.path, ...name.split('/'));
    try {
      this.#makeFolders(posix.dirname(name));
      const written = { name, ...(await this.#writeFile(path, content)) };
      this.#fileSystem.syncFolder(dirname(path));
      this.#files.set(name, written);
      return written;
    } catch (thrown) {
      throw writeError(thrown, path);
    }
  }

  writeText(name: string, text: string): Promise<WrittenFile> {
    return this.write(name, [Buffer.from(text)]);
  }

  /** Two spaces a level, as the tools that write such files do. */
  writeJson(name: string, value: unknown): Promise<WrittenFile> {
    return this.writeText(name, `${JSON.stringify(value, null, 2)}\n`);
  }

  #makeFolders(folder: string): void {
    if (folder === '.' || this.#folders.has(folder)) return;
    this.#makeFolders(posix.dirname(folder));
    this.#fileSystem.makeFolder(join(this.path, ...folder.split('/')));
    this.#folders.add(folder);
  }

  async #writeFile(path: string, content: FileContent): Promise<Omit<WrittenFile, 'name'>> {
    const hash = createHash('sha256');
    const file = this.#fileSystem.createFile(path);
    let sizeBytes = 0;
    try {
      for await (const chunk of content) {
        for (let start = 0; start < chunk.byteLength; start += SLICE_BYTES) {
          this.#requireWanted();
          const slice = chunk.subarray(start, start + SLICE_BYTES);
          hash.update(slice);
          for (let done = 0; done < slice.byteLength; )
            done += this.#fileSystem.write(file, slice.subarray(done));
          sizeBytes += slice.byteLength;
          this.#writtenBytes += slice.byteLength;
          this.#options.onBytes?.(this.#writtenBytes);
        }
      }
      this.#fileSystem.syncFile(file);
    } finally {
      this.#fileSystem.closeFile(file);
    }
    return { sizeBytes, sha256: hash.digest('hex') };
  }

  #requireWanted(): void {
    if (this.#options.signal?.aborted === true)
      throw new StudioError('CANCELLED', 'The export was stopped; what was not finished is gone.');
  }
}
