/**
 * @file Node. Writes a zip archive whose entries stand in it as they are (stored): weights hardly pack, and a reader can
 * take them from the file without a copy. Of any size: beyond 4 GiB in the format's 64-bit form.
 */
import { PassThrough, Readable } from 'node:stream';
import { ZipFile } from 'yazl';

export interface ZipMember {
  /** Path inside the archive, with forward slashes. */
  readonly name: string;
  readonly content: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** One date for all entries: the same content gives the same archive. */
const MODIFIED = new Date('1980-01-01T00:00:00Z');
const STORED = { compress: false, mtime: MODIFIED, mode: 0o100644 };

/** The archive's bytes in chunks; fails as the members' contents do. */
export async function* zipChunks(members: readonly ZipMember[]): AsyncGenerator<Uint8Array> {
  const zip = new ZipFile();
  const output = new PassThrough();
  let open: Readable | null = null;
  let stopped = false;
  const fail = (error: Error) => output.destroy(error);
  zip.on('error', fail);
  zip.outputStream.pipe(output);
  for (const { name, content } of members)
    zip.addReadStreamLazy(name, STORED, (give) => {
      open = Readable.from(stopped ? [] : content()).once('error', fail);
      give(null, open);
    });
  zip.end();
  try {
    yield* output as AsyncIterable<Uint8Array>;
  } finally {
    // Whoever stops reading in the middle leaves no file open, nor one that would be opened next.
    stopped = true;
    (open as Readable | null)?.destroy();
  }
}
