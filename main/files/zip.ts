/** @file Node. Reads entries of a zip archive that nobody has vouched for, without unpacking anything to the disk. */
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { fromFdPromise } from 'yauzl';
import { StudioError } from '../../shared/errors.ts';
import { readError, systemCode } from './fileErrors.ts';
import { openRegularFile } from './regularFile.ts';
import { requireSoundEntries, type SoundEntry } from './zipRules.ts';

export interface ZipEntry {
  /** Path inside the archive, with forward slashes; relative, and without "..". */
  readonly name: string;
  /** Unpacked, as the archive declares it; reading stops with an error when the bytes disagree. */
  readonly sizeBytes: number;
  readonly compressedBytes: number;
}

export interface ZipArchive {
  /** Files only, in the order of the archive. */
  readonly entries: readonly ZipEntry[];
  /**
   * The unpacked bytes of one entry; may be called more than once.
   * @throws StudioError NOT_FOUND for a name that is not in `entries`. The stream fails with BAD_FILE when the entry
   * unpacks to more or fewer bytes than declared, and with CHECKSUM_MISMATCH when its bytes are not what was packed.
   */
  stream(name: string): Readable;
  /** Waits for a reading that was left in the middle. */
  close(): Promise<void>;
}

const CHUNK_BYTES = 1 << 18;
const DEFAULT_MAX_TOTAL_BYTES = 8 * 2 ** 30;

/**
 * Opens an archive and checks every entry before one is read (see zipRules.ts).
 * @param options.maxTotalBytes most that all entries may unpack to; 8 GiB when absent.
 * @throws StudioError NOT_FOUND, UNREADABLE; BAD_FILE for an archive that breaks a rule or is damaged.
 */
export async function openZip(
  path: string,
  options: { readonly maxTotalBytes?: number } = {},
): Promise<ZipArchive> {
  openRegularFile(path, { content: 'any' });
  let file: FileHandle | null = null;
  try {
    file = await open(path);
    // The package is left to read the directory, and never closed: the file is ours, also after a failure.
    const zip = await fromFdPromise(file.fd, { autoClose: false, strictFileNames: true });
    const maxTotalBytes = options.maxTotalBytes ?? DEFAULT_MAX_TOTAL_BYTES;
    return archiveOf(file, await requireSoundEntries(zip, { path, maxTotalBytes }), path);
  } catch (thrown) {
    await file?.close();
    throw zipError(thrown, path);
  }
}

function archiveOf(file: FileHandle, sound: readonly SoundEntry[], path: string): ZipArchive {
  const byName = new Map(sound.map((one) => [one.entry.fileName, one]));
  return {
    entries: sound.map(({ entry }) => ({
      name: entry.fileName,
      sizeBytes: entry.uncompressedSize,
      compressedBytes: entry.compressedSize,
    })),
    stream: (name) => {
      const entry = byName.get(name);
      if (entry === undefined) {
        throw new StudioError('NOT_FOUND', `${path} has no entry ${name}.`, { place: { file: path } });
      }
      return Readable.from(unpack(file, entry, path), { objectMode: false, highWaterMark: CHUNK_BYTES });
    },
    close: () => file.close(),
  };
}

/** Inflates while counting, so that a lie about the size ends the reading at the byte where it shows. */
async function* unpack(
  file: FileHandle,
  { entry, dataStart }: SoundEntry,
  path: string,
): AsyncGenerator<Buffer> {
  let sizeBytes = 0;
  let checksum = 0;
  try {
    const packed = packedBytes(file, dataStart, entry.compressedSize);
    for await (const bytes of entry.compressionMethod === 0 ? packed : inflated(packed)) {
      sizeBytes += bytes.length;
      if (sizeBytes > entry.uncompressedSize) break;
      checksum = crc32(bytes, checksum);
      yield bytes;
    }
  } catch (thrown) {
    throw zipError(thrown, path, entry.fileName);
  }
  if (sizeBytes !== entry.uncompressedSize) {
    const lie = sizeBytes > entry.uncompressedSize ? 'more' : 'less';
    throw damaged(
      path,
      `its entry ${entry.fileName} unpacks to ${lie} than the ${entry.uncompressedSize} bytes it declares`,
    );
  }
  if (checksum !== entry.crc32) {
    throw new StudioError(
      'CHECKSUM_MISMATCH',
      `${path} is damaged: the checksum of ${entry.fileName} does not match.`,
      {
        nextStep: 'Download the archive again, or copy it again from where it came.',
        place: { file: path },
      },
    );
  }
}

/** The entry as it stands in the file. Read here, because the package's stream crashes the process when it is left early. */
async function* packedBytes(file: FileHandle, start: number, sizeBytes: number): AsyncGenerator<Buffer> {
  const end = start + sizeBytes;
  for (let position = start; position < end; ) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position));
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) throw new Error('the file has become shorter');
    position += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

/** An inflater that also fails when its source does, and takes the source down when it is closed. */
function inflated(packed: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const source = Readable.from(packed);
  const inflater = createInflateRaw({ chunkSize: CHUNK_BYTES });
  source.once('error', (error) => inflater.destroy(error));
  inflater.once('close', () => source.destroy());
  return source.pipe(inflater);
}

function zipError(thrown: unknown, path: string, entry?: string): StudioError {
  if (thrown instanceof StudioError) return thrown;
  const code = systemCode(thrown);
  // zlib's own codes begin with Z_; others with E are the operating system's.
  if (code !== null && !code.startsWith('Z_') && !code.startsWith('ERR_')) return readError(thrown, path);
  const reason = (thrown instanceof Error ? thrown.message : String(thrown)).replace(/\.$/, '');
  return damaged(
    path,
    entry === undefined ? reason : `its entry ${entry} cannot be unpacked (${reason})`,
    thrown,
  );
}

function damaged(path: string, reason: string, cause?: unknown): StudioError {
  return new StudioError('BAD_FILE', `${path} is not a sound zip archive: ${reason}.`, {
    nextStep: 'Download the archive again, or unpack it with a tool that you trust and name the folder.',
    place: { file: path },
    cause,
  });
}
