/** @file Node. Reads folders written by `sealedFolder.ts`, believing nothing that their manifest does not confirm. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { readError, systemCode } from './fileErrors.ts';
import { MANIFEST_NAME, parseManifest, type SealedFile } from './sealManifest.ts';

const MANIFEST_LIMIT_BYTES = 1 << 20;
const READ_BYTES = 8 << 20;
/** File browsers leave these behind when somebody looks into a folder. */
const LEFT_BY_BROWSERS: ReadonlySet<string> = new Set(['.DS_Store', 'Thumbs.db', 'desktop.ini']);
const NEXT_STEP = 'This folder cannot be trusted: use another checkpoint.';

export interface FolderSummary {
  readonly files: readonly SealedFile[];
  /** Sum of the files' sizes, the manifest included. */
  readonly sizeBytes: number;
  readonly manifestSha256: string;
}

/**
 * The files of a sealed folder by name, the manifest left out. Each buffer starts its own ArrayBuffer.
 * @param expected the manifest's sum, where somebody (a database row) has kept it
 * @throws CHECKSUM_MISMATCH naming the file whose size or sum is not the manifest's; BAD_FILE for a manifest that is
 * missing or damaged and for files that are missing or too many; NOT_FOUND, UNREADABLE
 */
export function readSealedFolder(
  path: string,
  expected: { manifestSha256?: string } = {},
): Map<string, Buffer> {
  const { files, manifestSha256 } = verifySealedFolder(path);
  if (expected.manifestSha256 !== undefined && expected.manifestSha256 !== manifestSha256) {
    throw mismatch(
      join(path, MANIFEST_NAME),
      `its SHA-256 is ${manifestSha256}, not ${expected.manifestSha256}`,
    );
  }
  const contents = new Map<string, Buffer>();
  for (const file of files) contents.set(file.name, readVerified(join(path, file.name), file));
  return contents;
}

/**
 * The cheap check, without reading the files: the manifest is in order, nothing is missing or extra, and every file
 * has its size. Throws as `readSealedFolder` does.
 */
export function verifySealedFolder(path: string): FolderSummary {
  const present = new Set(listFolder(path).filter((name) => !LEFT_BY_BROWSERS.has(name)));
  const manifestPath = join(path, MANIFEST_NAME);
  if (!present.delete(MANIFEST_NAME)) throw bad(path, `it has no ${MANIFEST_NAME}`);
  const manifest = readRegular(manifestPath, (sizeBytes) => {
    if (sizeBytes > MANIFEST_LIMIT_BYTES) throw bad(path, `its ${MANIFEST_NAME} is too large`);
  });
  const files = parseManifest(manifest, manifestPath);
  let sizeBytes = manifest.byteLength;
  for (const file of files) {
    if (!present.delete(file.name)) throw bad(path, `${file.name} is missing`);
    withRegularFile(join(path, file.name), (_, actualBytes) =>
      checkSize(join(path, file.name), file, actualBytes),
    );
    sizeBytes += file.sizeBytes;
  }
  const [extra] = present;
  if (extra !== undefined) throw bad(path, `${extra} does not belong to it`);
  return { files, sizeBytes, manifestSha256: createHash('sha256').update(manifest).digest('hex') };
}

export interface NewestValid {
  /** The first sound folder; null when there is none. */
  readonly found: { readonly name: string; readonly files: Map<string, Buffer> } | null;
  /** The folders before it, and what is wrong with each. */
  readonly damaged: readonly { readonly name: string; readonly error: StudioError }[];
}

/** Reads the first of `newestFirst` in `parent` that is complete and unchanged. */
export function newestValid(parent: string, newestFirst: readonly string[]): NewestValid {
  const damaged: { name: string; error: StudioError }[] = [];
  for (const name of newestFirst) {
    try {
      return { found: { name, files: readSealedFolder(join(parent, name)) }, damaged };
    } catch (thrown) {
      damaged.push({ name, error: readError(thrown, join(parent, name)) });
    }
  }
  return { found: null, damaged };
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (thrown) {
    throw readError(thrown, path);
  }
}

function readVerified(path: string, file: SealedFile): Buffer {
  const bytes = readRegular(path, (actualBytes) => checkSize(path, file, actualBytes));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== file.sha256) throw mismatch(path, `its SHA-256 is ${sha256}, not ${file.sha256}`);
  return bytes;
}

function checkSize(path: string, file: SealedFile, actualBytes: number): void {
  if (actualBytes !== file.sizeBytes)
    throw mismatch(path, `it has ${actualBytes} bytes, not ${file.sizeBytes}`);
}

/** The whole file; `check` sees its size before any memory is taken. */
function readRegular(path: string, check: (sizeBytes: number) => void): Buffer {
  return withRegularFile(path, (file, sizeBytes) => {
    check(sizeBytes);
    // An ArrayBuffer of its own, so that tensors can be views into it; one read takes at most 2 GiB.
    const bytes = Buffer.allocUnsafeSlow(sizeBytes);
    let done = 0;
    while (done < sizeBytes) {
      const got = readSync(file, bytes, done, Math.min(READ_BYTES, sizeBytes - done), done);
      if (got === 0) throw mismatch(path, `it became shorter while it was read`);
      done += got;
    }
    return bytes;
  });
}

function withRegularFile<Result>(path: string, use: (file: number, sizeBytes: number) => Result): Result {
  let file: number | undefined;
  try {
    // Neither follows a link nor waits at a FIFO.
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    const status = fstatSync(file);
    if (!status.isFile()) throw bad(path, 'it is not a regular file');
    return use(file, status.size);
  } catch (thrown) {
    if (systemCode(thrown) === 'ELOOP') throw bad(path, 'it is a link');
    throw readError(thrown, path);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function mismatch(path: string, why: string): StudioError {
  return new StudioError('CHECKSUM_MISMATCH', `${path} has changed since it was written: ${why}.`, {
    nextStep: NEXT_STEP,
    place: { file: path },
  });
}

function bad(path: string, why: string): StudioError {
  const message = `${path} is incomplete or damaged: ${why}.`;
  return new StudioError('BAD_FILE', message, { nextStep: NEXT_STEP, place: { file: path } });
}
