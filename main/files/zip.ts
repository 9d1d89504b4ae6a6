/** @file Node. Reads entries of a zip archive that nobody has vouched for, without unpacking anything to the disk. */
import { Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import type { Entry } from 'yauzl';
import { StudioError } from '../../shared/errors.ts';
import { type ByteSource, openFileBytes } from './byteSource.ts';
import { readError, systemCode } from './fileErrors.ts';
import { openDirectory } from './zipReader.ts';
import { requireSoundEntries, type SoundEntry } from './zipRules.ts';

export interface ZipEntry {
  /** Path inside the archive, with forward slashes; relative, and without "..". */
  readonly name: string;
  /** Unpacked, as the archive declares it; reading stops with an error when the bytes disagree. */
  readonly sizeBytes: number;
  readonly compressedBytes: number;
  /** Whether its bytes stand in the archive as they are. */
  readonly stored: boolean;
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
  /** The same bytes at once; of an archive in memory they may be a view of it. */
  read(name: string): Promise<Buffer>;
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
  const source = await openFileBytes(path);
  try {
    return await openZipIn(source, options);
  } catch (thrown) {
    await source.close();
    throw thrown;
  }
}

/** The same for an archive that is open already, or stands in memory; closing the archive closes the source. */
export async function openZipIn(
  source: ByteSource,
  options: { readonly maxTotalBytes?: number } = {},
): Promise<ZipArchive> {
  const path = source.name;
  try {
    const maxTotalBytes = options.maxTotalBytes ?? DEFAULT_MAX_TOTAL_BYTES;
    const zip = await openDirectory(source);
    return archiveOf(source, await requireSoundEntries(zip, { path, maxTotalBytes }));
  } catch (thrown) {
    throw zipError(thrown, path);
  }
}

function archiveOf(source: ByteSource, sound: readonly SoundEntry[]): ZipArchive {
  const byName = new Map(sound.map((one) => [one.entry.fileName, one]));
  const find = (name: string): SoundEntry => {
    const entry = byName.get(name);
    if (entry !== undefined) return entry;
    const place = { file: source.name };
    throw new StudioError('NOT_FOUND', `${source.name} has no entry ${name}.`, { place });
  };
  return {
    entries: sound.map(({ entry }) => ({
      name: entry.fileName,
      sizeBytes: entry.uncompressedSize,
      compressedBytes: entry.compressedSize,
      stored: entry.compressionMethod === 0,
    })),
    stream: (name) =>
      Readable.from(unpack(source, find(name)), { objectMode: false, highWaterMark: CHUNK_BYTES }),
    read: (name) => unpackWhole(source, find(name)),
    close: () => source.close(),
  };
}

/** The declared size is believed as far as zipRules.ts has checked it: it is in proportion to the archive's. */
async function unpackWhole(source: ByteSource, sound: SoundEntry): Promise<Buffer> {
  const { entry, dataStart } = sound;
  if (entry.compressionMethod === 0) return readStored(source, entry, dataStart);
  const whole = Buffer.allocUnsafe(entry.uncompressedSize);
  let filled = 0;
  for await (const bytes of unpack(source, sound)) filled += bytes.copy(whole, filled);
  return whole;
}

/** Of an archive in memory it is a view: weights are large, and need not be there twice. */
async function readStored(source: ByteSource, entry: Entry, dataStart: number): Promise<Buffer> {
  try {
    const bytes = await source.read(dataStart, entry.uncompressedSize);
    requireChecksum(crc32(bytes), entry, source.name);
    return bytes;
  } catch (thrown) {
    throw zipError(thrown, source.name, entry.fileName);
  }
}

/** Inflates while counting, so that a lie about the size ends the reading at the byte where it shows. */
async function* unpack(source: ByteSource, { entry, dataStart }: SoundEntry): AsyncGenerator<Buffer> {
  const path = source.name;
  let sizeBytes = 0;
  let checksum = 0;
  try {
    const packed = packedBytes(source, dataStart, entry.compressedSize);
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
  requireChecksum(checksum, entry, path);
}

function requireChecksum(checksum: number, entry: Entry, path: string): void {
  if (checksum === entry.crc32) return;
  const message = `${path} is damaged: the checksum of ${entry.fileName} does not match.`;
  throw new StudioError('CHECKSUM_MISMATCH', message, {
    nextStep: 'Download the archive again, or copy it again from where it came.',
    place: { file: path },
  });
}

/** The entry as it stands in the file. Read here, because the package's stream crashes the process when it is left early. */
async function* packedBytes(source: ByteSource, start: number, sizeBytes: number): AsyncGenerator<Buffer> {
  const end = start + sizeBytes;
  for (let position = start; position < end; position += CHUNK_BYTES)
    yield await source.read(position, Math.min(CHUNK_BYTES, end - position));
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
    nextStep: 'Download the archive again, or copy it again from where it came.',
    place: { file: path },
    cause,
  });
}
