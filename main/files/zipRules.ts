/** @file Node. What a zip archive must look like before one byte of it is read: names, kinds, sizes, no lies between its two directories. */
import type { Entry, LocalFileHeader, ZipFile } from 'yauzl';
import { StudioError } from '../../shared/errors.ts';

const MAX_ENTRIES = 10_000;
const MAX_RATIO = 100;
/** Entries that unpack to no more than this cannot do harm: folder settings of mostly zeros pack very well. */
const RATIO_EXEMPT_BYTES = 1 << 20;
const ENCRYPTED_FLAG = 0x1;
/** Sizes and checksum stand behind the data, and may be zero in the local header. */
const DESCRIPTOR_FLAG = 0x8;
const IN_ZIP64_FIELD = 0xffffffff;
const STORED = 0;
const DEFLATED = 8;
const UNIX_KIND_MASK = 0xf000;
const UNIX_REGULAR = 0x8000;
const UNIX_FOLDER = 0x4000;
const UNIX_SYMLINK = 0xa000;

interface Limits {
  readonly path: string;
  readonly maxTotalBytes: number;
}

/** An entry that may be read, and where its packed bytes begin in the file. */
export interface SoundEntry {
  readonly entry: Entry;
  readonly dataStart: number;
}

/**
 * All entries that are files, once the whole archive has been found sound: plain relative names, each once (also
 * when case is ignored), regular files only, stored or deflated, not encrypted, not over the caps, no two sharing
 * bytes, and a local header that agrees with the central directory.
 * @throws StudioError BAD_FILE naming the entry; Error as the zip package gives it for a damaged directory.
 */
export async function requireSoundEntries(zip: ZipFile, limits: Limits): Promise<SoundEntry[]> {
  const refuse = refuser(limits.path);
  if (zip.entryCount > MAX_ENTRIES)
    refuse(`it has ${zip.entryCount} entries, more than the ${MAX_ENTRIES} allowed`);
  const names = new Map<string, string>();
  const entries: Entry[] = [];
  let totalBytes = 0;
  for await (const entry of zip.eachEntry()) {
    requireName(entry, names, refuse);
    requireKind(entry, refuse);
    requireSize(entry, refuse);
    totalBytes += entry.uncompressedSize;
    if (totalBytes > limits.maxTotalBytes)
      refuse(`it would unpack to more than ${limits.maxTotalBytes} bytes`);
    entries.push(entry);
  }
  const dataStarts = await requireLocalHeaders(zip, entries, refuse);
  return entries
    .filter((entry) => !entry.fileName.endsWith('/'))
    .map((entry) => ({ entry, dataStart: dataStarts.get(entry)! }));
}

type Refuse = (reason: string) => never;

function refuser(path: string): Refuse {
  return (reason) => {
    throw new StudioError('BAD_FILE', `${path} is refused as a zip archive: ${reason}.`, {
      nextStep:
        'Do not trust this archive; get it again from its source, or unpack it yourself and name the folder.',
      place: { file: path },
    });
  };
}

/** yauzl has refused absolute names, drives, backslashes and ".." already; `names` maps folded names to those seen. */
function requireName(entry: Entry, names: Map<string, string>, refuse: Refuse): void {
  const name = entry.fileName;
  if (name === '' || name.includes('\0'))
    refuse('it has an entry with an empty name, or with a NUL in its name');
  const folded = name.replace(/\/$/, '').normalize('NFC').toLowerCase();
  const earlier = names.get(folded);
  if (earlier !== undefined) refuse(`two entries have the same name (${earlier} and ${name})`);
  names.set(folded, name);
}

function requireKind(entry: Entry, refuse: Refuse): void {
  const kind = (entry.externalFileAttributes >>> 16) & UNIX_KIND_MASK;
  if (kind === UNIX_SYMLINK) refuse(`its entry ${entry.fileName} is a symbolic link`);
  if (kind !== 0 && kind !== UNIX_REGULAR && kind !== UNIX_FOLDER)
    refuse(`its entry ${entry.fileName} is a device`);
  if ((entry.generalPurposeBitFlag & ENCRYPTED_FLAG) !== 0)
    refuse(`its entry ${entry.fileName} is encrypted`);
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    refuse(`its entry ${entry.fileName} is packed with the unknown method ${entry.compressionMethod}`);
  }
}

function requireSize(entry: Entry, refuse: Refuse): void {
  const { fileName, uncompressedSize, compressedSize, relativeOffsetOfLocalHeader } = entry;
  if (![uncompressedSize, compressedSize, relativeOffsetOfLocalHeader].every(Number.isSafeInteger)) {
    refuse(`its entry ${fileName} declares an impossible size`);
  }
  if (uncompressedSize > RATIO_EXEMPT_BYTES && uncompressedSize > MAX_RATIO * compressedSize) {
    refuse(`its entry ${fileName} unpacks to more than ${MAX_RATIO} times its size, as only a zip bomb does`);
  }
}

/** Compares both headers of every entry, makes sure that no two share bytes of the file, and tells where each begins. */
async function requireLocalHeaders(
  zip: ZipFile,
  entries: readonly Entry[],
  refuse: Refuse,
): Promise<Map<Entry, number>> {
  const inFileOrder = entries.toSorted(
    (a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader,
  );
  const dataStarts = new Map<Entry, number>();
  let freeFrom = 0;
  for (const entry of inFileOrder) {
    const local = await zip.readLocalFileHeaderPromise(entry, { minimal: false });
    if (entry.relativeOffsetOfLocalHeader < freeFrom)
      refuse(`its entry ${entry.fileName} overlaps another one`);
    dataStarts.set(entry, local.fileDataStart);
    freeFrom = local.fileDataStart + entry.compressedSize;
    if (!agrees(entry, local)) {
      refuse(`its two directories disagree about the entry ${entry.fileName}`);
    }
  }
  return dataStarts;
}

function agrees(entry: Entry, local: LocalFileHeader): boolean {
  const bothFlags = ENCRYPTED_FLAG | DESCRIPTOR_FLAG;
  return (
    local.fileName.equals(entry.fileNameRaw) &&
    local.compressionMethod === entry.compressionMethod &&
    (local.generalPurposeBitFlag & bothFlags) === (entry.generalPurposeBitFlag & bothFlags) &&
    agreesOn(local.crc32, entry.crc32, entry) &&
    (local.compressedSize === IN_ZIP64_FIELD ||
      agreesOn(local.compressedSize, entry.compressedSize, entry)) &&
    (local.uncompressedSize === IN_ZIP64_FIELD ||
      agreesOn(local.uncompressedSize, entry.uncompressedSize, entry))
  );
}

function agreesOn(local: number, central: number, entry: Entry): boolean {
  return local === central || (local === 0 && (entry.generalPurposeBitFlag & DESCRIPTOR_FLAG) !== 0);
}
