/** @file Tests. Makes zip archives byte by byte, honest ones and such as no tool would write. */
import { crc32, deflateRawSync } from 'node:zlib';

/** One entry; whatever is not given is what an honest archive has. */
export interface ZipPart {
  readonly name: string;
  readonly content?: Uint8Array | string;
  readonly method?: number;
  readonly flags?: number;
  /** Unix mode, such as 0o120777 for a symbolic link. */
  readonly mode?: number;
  readonly declaredBytes?: number;
  readonly declaredChecksum?: number;
  /** What only the local header says. */
  readonly local?: { readonly name?: string; readonly method?: number; readonly declaredBytes?: number };
  /** Points the central directory to the local header of an earlier entry. */
  readonly sharesEntry?: number;
  /** Points it there instead; nothing is written for this entry. */
  readonly offset?: number;
}

interface Written {
  readonly part: ZipPart;
  readonly packed: Buffer;
  readonly sizeBytes: number;
  readonly checksum: number;
  readonly offset: number;
}

/** Names are UTF-8, as every modern tool writes them. */
const UTF8_NAMES = 0x800;
/** Sizes and checksum are zero in the local header, as tools write them that stream. */
export const STREAMED = 0x808;

/** The bytes of an archive with these entries. `entryCount` is what the end record claims. */
export function zipBytes(parts: readonly ZipPart[], options: { readonly entryCount?: number } = {}): Buffer {
  const blocks: Buffer[] = [];
  const written: Written[] = [];
  let offset = 0;
  for (const part of parts) {
    const content = Buffer.from(part.content ?? '');
    const packed = (part.method ?? 8) === 8 ? deflateRawSync(content) : content;
    const shared = part.sharesEntry === undefined ? undefined : written[part.sharesEntry]!;
    const one: Written = {
      part,
      packed: shared?.packed ?? packed,
      sizeBytes: part.declaredBytes ?? content.length,
      checksum: part.declaredChecksum ?? crc32(content),
      offset: part.offset ?? shared?.offset ?? offset,
    };
    written.push(one);
    if (shared !== undefined || part.offset !== undefined) continue;
    const header = localHeader(one);
    blocks.push(header, packed);
    offset += header.length + packed.length;
  }
  const directory = Buffer.concat(written.map(centralHeader));
  return Buffer.concat([
    ...blocks,
    directory,
    endRecord(options.entryCount ?? parts.length, directory.length, offset),
  ]);
}

function localHeader({ part, packed, sizeBytes, checksum }: Written): Buffer {
  const name = Buffer.from(part.local?.name ?? part.name);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(part.flags ?? UTF8_NAMES, 6);
  header.writeUInt16LE(part.local?.method ?? part.method ?? 8, 8);
  if (part.flags !== STREAMED) {
    header.writeUInt32LE(checksum, 14);
    header.writeUInt32LE(packed.length, 18);
    header.writeUInt32LE(part.local?.declaredBytes ?? sizeBytes, 22);
  }
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

function centralHeader({ part, packed, sizeBytes, checksum, offset }: Written): Buffer {
  const name = Buffer.from(part.name);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE((3 << 8) | 20, 4);
  header.writeUInt16LE(20, 6);
  header.writeUInt16LE(part.flags ?? UTF8_NAMES, 8);
  header.writeUInt16LE(part.method ?? 8, 10);
  header.writeUInt32LE(checksum, 16);
  header.writeUInt32LE(packed.length, 20);
  header.writeUInt32LE(sizeBytes, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt32LE(((part.mode ?? 0o100644) << 16) >>> 0, 38);
  header.writeUInt32LE(offset, 42);
  return Buffer.concat([header, name]);
}

function endRecord(entryCount: number, directoryBytes: number, directoryOffset: number): Buffer {
  const record = Buffer.alloc(22);
  record.writeUInt32LE(0x06054b50, 0);
  record.writeUInt16LE(entryCount, 8);
  record.writeUInt16LE(entryCount, 10);
  record.writeUInt32LE(directoryBytes, 12);
  record.writeUInt32LE(directoryOffset, 16);
  return record;
}
