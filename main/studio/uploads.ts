/** @file Runs under Node. Files that a page drops: piece by piece into the data directory, until the studio ends. */
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { requireFreeBytes } from '../files/disk.ts';
import { writeError } from '../files/fileErrors.ts';

interface Upload {
  readonly folder: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly descriptor: number;
  receivedBytes: number;
}

/** Names that Windows keeps for devices, whatever follows the dot. */
const DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i;
/** File systems count bytes, up to 255 of them; a letter takes up to four. */
const LONGEST_NAME_BYTES = 200;

export class Uploads {
  readonly #folder: string;
  readonly #open = new Map<string, Upload>();

  /** What an earlier studio left behind is removed. */
  constructor(dataDirectory: string) {
    this.#folder = join(dataDirectory, 'uploads');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** @throws StudioError DISK_FULL when it would take more than half of what is free, WRITE_FAILED. */
  begin(name: string, sizeBytes: number): string {
    const id = randomUUID();
    const folder = join(this.#folder, id);
    const path = join(folder, harmlessName(name));
    try {
      mkdirSync(folder, { recursive: true });
      requireFreeBytes(folder, 2 * sizeBytes, `The upload of ${name}`);
      this.#open.set(id, {
        folder,
        path,
        sizeBytes,
        descriptor: openSync(path, 'wx', 0o600),
        receivedBytes: 0,
      });
    } catch (thrown) {
      rmSync(folder, { recursive: true, force: true });
      throw thrown instanceof StudioError ? thrown : writeError(thrown, path);
    }
    return id;
  }

  /** @returns bytes received so far. @throws StudioError USAGE when the piece is not the next one, DISK_FULL. */
  piece(id: string, offset: number, base64: string): number {
    const upload = this.#require(id);
    const bytes = Buffer.from(base64, 'base64');
    if (offset !== upload.receivedBytes || offset + bytes.byteLength > upload.sizeBytes) {
      throw new StudioError(
        'USAGE',
        `The upload continues at byte ${upload.receivedBytes} of ${upload.sizeBytes}.`,
        {
          nextStep: 'Drop the file again.',
        },
      );
    }
    try {
      // Unlike writeSync it goes on until all is written, or says why not.
      writeFileSync(upload.descriptor, bytes);
    } catch (thrown) {
      this.cancel(id);
      throw writeError(thrown, upload.path);
    }
    upload.receivedBytes += bytes.byteLength;
    return upload.receivedBytes;
  }

  /** @returns the file's path. @throws StudioError USAGE when bytes are missing. */
  finish(id: string): string {
    const upload = this.#require(id);
    if (upload.receivedBytes !== upload.sizeBytes) {
      const missing = upload.sizeBytes - upload.receivedBytes;
      throw new StudioError('USAGE', `${missing} bytes of the upload are missing.`, {
        nextStep: 'Drop the file again.',
      });
    }
    closeSync(upload.descriptor);
    this.#open.delete(id);
    return upload.path;
  }

  /** One that is not there is fine. */
  cancel(id: string): void {
    const upload = this.#open.get(id);
    if (upload === undefined) return;
    this.#open.delete(id);
    closeSync(upload.descriptor);
    rmSync(upload.folder, { recursive: true, force: true });
  }

  close(): void {
    for (const { descriptor } of this.#open.values()) closeSync(descriptor);
    this.#open.clear();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #require(id: string): Upload {
    const upload = this.#open.get(id);
    if (upload === undefined)
      throw new StudioError('NOT_FOUND', 'There is no such upload.', { nextStep: 'Drop the file again.' });
    return upload;
  }
}

/** The last part of a name as a file's name on any system; its extension tells readers what it is. */
function harmlessName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? '';
  const plain = trimmed(last.replace(/[^\p{L}\p{N}._ -]/gu, '_'));
  const letters = [...plain];
  while (Buffer.byteLength(letters.join('')) > LONGEST_NAME_BYTES) letters.shift();
  const short = trimmed(letters.join(''));
  return short === '' || DEVICE.test(short) ? `file-${short}` : short;
}

/** No hidden files, no options, and no ends that Windows drops. */
function trimmed(name: string): string {
  return name.replace(/^[. -]+|[. ]+$/g, '');
}
