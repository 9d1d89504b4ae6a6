/** @file Runs anywhere under Node. Finds out what kind of file stands where cache.db should be, without reading all of it. */
import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { StudioError } from '../../shared/errors.ts';
import { CACHE_APPLICATION_ID, CACHE_VERSION } from './cacheSchema.ts';

const HEADER_BYTES = 100;
const MAGIC = 'SQLite format 3\0';

export type CacheFileState =
  | { readonly kind: 'absent' }
  | { readonly kind: 'usable' }
  /** Ours, of an earlier version. */
  | { readonly kind: 'older'; readonly why: string }
  /** Not a database, not ours, or cut short. */
  | { readonly kind: 'garbage'; readonly why: string };

/**
 * Looks at the first 100 bytes and the size: a thorough check would read hundreds of megabytes at each start.
 * Damage further inside shows when SQLite meets it (`Cache.guard`).
 * @throws StudioError DATABASE_NEWER for a file of a later version of Entail, UNREADABLE for what is no plain file.
 */
export function inspectCacheFile(path: string): CacheFileState {
  if (!existsSync(path)) return { kind: 'absent' };
  if (!statSync(path).isFile()) {
    throw new StudioError('UNREADABLE', `The cache ${path} is not a file.`, {
      nextStep: 'Move what is there out of the way; the cache is then made anew.',
      place: { file: path },
    });
  }
  const { header, sizeBytes } = readHeader(path);
  if (sizeBytes === 0) return { kind: 'absent' };
  if (header.length < HEADER_BYTES || header.toString('latin1', 0, 16) !== MAGIC) {
    return { kind: 'garbage', why: 'it is not a database' };
  }
  return inspectHeader(header, { path, sizeBytes });
}

/** Offsets as in https://www.sqlite.org/fileformat2.html, section 1.3. */
function inspectHeader(header: Buffer, file: { path: string; sizeBytes: number }): CacheFileState {
  const pageBytes = header.readUInt16BE(16) === 1 ? 65536 : header.readUInt16BE(16);
  const pages = header.readUInt32BE(28);
  const version = header.readUInt32BE(60);
  const applicationId = header.readUInt32BE(68);
  if (applicationId !== CACHE_APPLICATION_ID)
    return { kind: 'garbage', why: 'it is a database of another program' };
  if (version > CACHE_VERSION) throw newerCache(file.path, version);
  if (version < CACHE_VERSION)
    return { kind: 'older', why: `it was made by an earlier version (${version})` };
  // A process that was killed may have left the last pages in the log only: SQLite brings them over.
  if (!hasLog(file.path) && file.sizeBytes < pages * pageBytes) {
    return {
      kind: 'garbage',
      why: `it is cut short: ${file.sizeBytes} of ${pages * pageBytes} bytes are there`,
    };
  }
  return { kind: 'usable' };
}

function hasLog(path: string): boolean {
  const log = `${path}-wal`;
  return existsSync(log) && statSync(log).size > 0;
}

function readHeader(path: string): { header: Buffer; sizeBytes: number } {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    throw new StudioError('UNREADABLE', `The cache ${path} cannot be read: ${(cause as Error).message}.`, {
      nextStep: 'Check who may read the data directory.',
      place: { file: path },
      cause,
    });
  }
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const read = readSync(descriptor, header, 0, HEADER_BYTES, 0);
    return { header: header.subarray(0, read), sizeBytes: fstatSync(descriptor).size };
  } finally {
    closeSync(descriptor);
  }
}

export function newerCache(path: string, version: number): StudioError {
  const message = `The cache ${path} was written by a newer version of Entail (${version}, this one knows ${CACHE_VERSION}).`;
  return new StudioError('DATABASE_NEWER', message, {
    nextStep: 'Update Entail, or choose another data directory with --data-dir.',
    place: { file: path },
  });
}
