/** @file Runs anywhere under Node. Room on the disk that is kept free while a job fills cache.db, so that what a full disk stops can still be taken back. */
import { rmSync, writeFileSync } from 'node:fs';
import { StudioError } from '../../shared/errors.ts';
import { writeError } from '../files/fileErrors.ts';

/** Deleting rows writes some pages first: their indexes and lists of free pages, half a megabyte for all of SNLI. */
const RESERVE_BYTES = 1024 ** 2;

/**
 * Fills a file beside the cache. The caller holds the cache's lock.
 * @throws StudioError DISK_FULL when there is not even that much room; WRITE_FAILED.
 */
export function makeSpaceReserve(cachePath: string): void {
  try {
    writeFileSync(reservePath(cachePath), Buffer.alloc(RESERVE_BYTES, 'reserve '));
  } catch (thrown) {
    dropSpaceReserve(cachePath);
    throw fullCache(writeError(thrown, reservePath(cachePath)), cachePath);
  }
}

/** Gives the room back; does nothing when there is none. */
export function dropSpaceReserve(cachePath: string): void {
  rmSync(reservePath(cachePath), { force: true });
}

function reservePath(cachePath: string): string {
  return `${cachePath}.reserve`;
}

/** A person knows of the cache, not of the file beside it. */
function fullCache(error: unknown, cachePath: string): unknown {
  if (!(error instanceof StudioError) || error.code !== 'DISK_FULL') return error;
  return new StudioError('DISK_FULL', `There is no room left for the cache ${cachePath}.`, {
    nextStep: 'Make room on that disk, or clear token caches with: npx --no entail cache clear',
    place: { file: cachePath },
    cause: error,
  });
}
