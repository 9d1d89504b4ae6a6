/**
 * @file Node. Writes a zip archive whose entries stand in it as they are (stored): weights hardly pack, and a reader can
 * take them from the file without a copy. Sizes and sums are known before an entry begins.
 */
import { crc32 } from 'node:zlib';
import { StudioError } from '../../shared/errors.ts';

export interface ZipMember {
  /** Path inside the archive, with forward slashes. */
  readonly name: string;
  /** The same bytes each time it is called: once for the sum, once for the archive. */
  readonly content: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_RECORD = 0x06054b50;
const VERSION = 20;
/** Names are UTF-8. */
const FLAGS = 0x0800;
/** 1 January 1980: the same files give the same archive. */
const DOS_DATE = 0x0021;
const MOST_BYTES = 0xffffffff;

interface Placed {
  readonly name: Buffer;
  readonly sizeBytes: number;
  readonly checksum: number;
  readonly offset: number;
}

/** The archive's bytes in chunks. @throws StudioError TOO_LARGE from 4 GiB on, which needs another format. */
export async function* zipChunks(members: readonly ZipMember[]): AsyncGenerator<Uint8Array> {
  const placed: Placed[] = [];
  let offset = 0;
  for (const { name, content } of members) {
    const entry = { name: Buffer.from(name), ...(await measured(content())), offset };
    placed.push(entry);
    const header = localHeader(entry);
    requireRoom(offset + header.length + entry.sizeBytes);
    yield header;
    for await (const chunk of content()) yield chunk;
    offset += header.length + entry.sizeBytes;
  }
  const directory = Buffer.concat(placed.map(centralHeader));
  requireRoom(offset + directory.length);
  yield directory;
  yield endRecord(placed.length, directory.length, offset);
}

async function measured(
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<{ sizeBytes: number; checksum: number }> {
  let sizeBytes = 0;
  let checksum = 0;
  for await (const chunk of content) {
    sizeBytes += chunk.byteLength;
    checksum = crc32(chunk, checksum);
  }
  return { sizeBytes, checksum };
}

function requireRoom(bytes: number): void {
  if (bytes < MOST_BYTES) return;
  throw new StudioError('TOO_LARGE', 'A run file holds at most 4 GiB, and this one would hold more.', {
    nextStep: 'Export its weights as PyTorch or as a Hugging Face folder, and its metrics by themselves.',
  });
}

function localHeader({ name, sizeBytes, checksum }: Placed): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(LOCAL_HEADER, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(FLAGS, 6);
  header.writeUInt16LE(DOS_DATE, 12);
  writeSizes(header, 14, { sizeBytes, checksum });
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

function centralHeader({ name, sizeBytes, checksum, offset }: Placed): Buffer {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(CENTRAL_HEADER, 0);
  header.writeUInt16LE(VERSION, 4);
  header.writeUInt16LE(VERSION, 6);
  header.writeUInt16LE(FLAGS, 8);
  header.writeUInt16LE(DOS_DATE, 14);
  writeSizes(header, 16, { sizeBytes, checksum });
  header.writeUInt16LE(name.length, 28);
  header.writeUInt32LE(offset, 42);
  return Buffer.concat([header, name]);
}

function writeSizes(
  header: Buffer,
  at: number,
  { sizeBytes, checksum }: Pick<Placed, 'sizeBytes' | 'checksum'>,
): void {
  header.writeUInt32LE(checksum, at);
  header.writeUInt32LE(sizeBytes, at + 4);
  header.writeUInt32LE(sizeBytes, at + 8);
}

function endRecord(entries: number, directoryBytes: number, offset: number): Buffer {
  const record = Buffer.alloc(22);
  record.writeUInt32LE(END_RECORD, 0);
  record.writeUInt16LE(entries, 8);
  record.writeUInt16LE(entries, 10);
  record.writeUInt32LE(directoryBytes, 12);
  record.writeUInt32LE(offset, 16);
  return record;
}
