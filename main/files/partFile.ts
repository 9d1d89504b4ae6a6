/**
 * @file Node. The unfinished part of a download, `NAME.part`, and a note beside it that says what it is a part of:
 * without that, bytes of two versions of a file could be joined. Everything is synchronous, so that bytes are written
 * the moment they arrive: those that wait in a buffer are lost when the connection breaks.
 */

import { closeSync, fsyncSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { writeFileAtomic } from './atomicWrite.ts';
import { writeError } from './fileErrors.ts';

const noteSchema = z.object({
  url: z.string(),
  /** A strong entity tag. */
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  totalBytes: z.number().int().nullable(),
});

/** What the server said about the file whose part this is. */
export type PartNote = z.infer<typeof noteSchema>;

export class PartFile {
  readonly path: string;
  readonly #notePath: string;
  #sizeBytes = 0;
  #note: PartNote | null = null;
  #file: number | null = null;

  /** Finds what an earlier attempt left of the download to `to`. */
  constructor(to: string) {
    this.path = `${to}.part`;
    this.#notePath = `${this.path}.json`;
    this.#note = readNote(this.#notePath);
    const status = statSync(this.path, { throwIfNoEntry: false });
    if (this.#note !== null && status?.isFile() === true) this.#sizeBytes = status.size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get note(): PartNote | null {
    return this.#note;
  }

  /** Throws away the bytes, and begins anew with what the server says about them. */
  begin(note: PartNote): void {
    this.discard();
    writeFileAtomic(this.#notePath, JSON.stringify(note));
    this.#note = note;
  }

  /** @throws DISK_FULL, WRITE_FAILED */
  append(bytes: Uint8Array): void {
    try {
      this.#file ??= openSync(this.path, this.#sizeBytes === 0 ? 'w' : 'r+');
      for (let done = 0; done < bytes.byteLength; ) {
        const written = writeSync(this.#file, bytes, done, bytes.byteLength - done, this.#sizeBytes);
        done += written;
        this.#sizeBytes += written;
      }
    } catch (thrown) {
      throw writeError(thrown, this.path);
    }
  }

  /** Returns when the bytes are on the disk. An empty file is made if nothing was ever written. */
  sync(): void {
    this.append(new Uint8Array(0));
    try {
      fsyncSync(this.#file!);
    } catch (thrown) {
      throw writeError(thrown, this.path);
    }
    this.close();
  }

  close(): void {
    const file = this.#file;
    this.#file = null;
    if (file !== null) closeSync(file);
  }

  /** Removes the bytes and the note. */
  discard(): void {
    this.close();
    try {
      rmSync(this.path, { force: true });
    } catch (thrown) {
      throw writeError(thrown, this.path);
    }
    this.forget();
    this.#sizeBytes = 0;
  }

  /** Removes the note, once the file has its final name. */
  forget(): void {
    rmSync(this.#notePath, { force: true });
    this.#note = null;
  }
}

function readNote(path: string): PartNote | null {
  try {
    return noteSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}
