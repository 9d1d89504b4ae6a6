/**
 * @file Node. Folders that are either complete and unchanged or not there: checkpoints live in them. A folder is
 * written under a temporary name, every file and the folder itself synced, then renamed; its manifest holds the size
 * and SHA-256 of every file, so later damage is noticed instead of loaded.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type ErrorCode, StudioError } from '../../shared/errors.ts';
import { removeQuietly } from './atomicWrite.ts';
import { renamePatiently, writeSyncedFile } from './durableWrite.ts';
import { writeError } from './fileErrors.ts';
import { type FileSystem, nodeFileSystem } from './fileSystem.ts';
import { readSealedFolder, verifySealedFolder } from './sealedFolderReading.ts';
import { MANIFEST_NAME, manifestText, requireSealableNames, type SealedFile } from './sealManifest.ts';
import { isAbandoned, temporaryName } from './temporaryName.ts';

/** What goes into a folder: bytes by file name, whole or in chunks that are written one after another. */
export type FolderContent = ReadonlyMap<string, Uint8Array | readonly Uint8Array[]>;

export interface Seal {
  /** Sum of the files' sizes, the manifest included. */
  readonly sizeBytes: number;
  /** SHA-256 of manifest.json, which stands for everything in the folder. */
  readonly manifestSha256: string;
}

/**
 * Writes the folder `parent/name`. When it returns, the folder survives a power cut; when it throws, nothing of that
 * name has appeared, or (only if syncing the parent failed) the complete folder has.
 *
 * An equal folder of that name is left as it is, a damaged one is replaced, and with `replace` a sound one too, so that
 * a run that goes through the same step again can write its checkpoint again. The old folder stays until the new one is
 * complete; only a power cut between two renames can leave neither, so keep another checkpoint.
 * @throws ALREADY_EXISTS without `replace` if a sound folder of that name holds something else; DISK_FULL or
 * WRITE_FAILED
 */
export function writeSealedFolder(
  parent: string,
  name: string,
  files: FolderContent,
  { replace = false, fileSystem = nodeFileSystem }: { replace?: boolean; fileSystem?: FileSystem } = {},
): Seal {
  requireSealableNames(files.keys());
  const path = join(parent, name);
  const temporary = join(parent, temporaryName(name));
  try {
    const seal = writeContent(fileSystem, temporary, files);
    putInPlace(fileSystem, { parent, name, temporary, seal, replace });
    return seal;
  } catch (thrown) {
    removeQuietly(fileSystem, temporary);
    throw writeError(thrown, path);
  }
}

/**
 * Removes a folder so that a crash half-way leaves it whole or (under a temporary name) for `sweepTemporary`.
 * Nothing there is fine.
 * @throws WRITE_FAILED
 */
export function removeSealedFolder(
  parent: string,
  name: string,
  fileSystem: FileSystem = nodeFileSystem,
): void {
  const path = join(parent, name);
  try {
    if (!fileSystem.list(parent).includes(name)) return;
    const aside = join(parent, temporaryName(name));
    renamePatiently(fileSystem, path, aside);
    fileSystem.syncFolder(parent);
    fileSystem.remove(aside);
  } catch (thrown) {
    throw writeError(thrown, path);
  }
}

/**
 * Removes what writers that are gone left unfinished in `parent`; the work of living processes is not touched.
 * @returns the names that were removed
 */
export function sweepTemporary(parent: string, fileSystem: FileSystem = nodeFileSystem): string[] {
  try {
    const abandoned = fileSystem.list(parent).filter((name) => isAbandoned(parent, name));
    for (const name of abandoned) fileSystem.remove(join(parent, name));
    return abandoned;
  } catch (thrown) {
    throw writeError(thrown, parent);
  }
}

function writeContent(fileSystem: FileSystem, folder: string, files: FolderContent): Seal {
  fileSystem.makeFolder(folder);
  const sealed: SealedFile[] = [];
  for (const [name, content] of files) {
    const hash = createHash('sha256');
    const chunks = content instanceof Uint8Array ? [content] : content;
    const sizeBytes = writeSyncedFile(fileSystem, join(folder, name), chunks, (bytes) => hash.update(bytes));
    sealed.push({ name, sizeBytes, sha256: hash.digest('hex') });
  }
  return writeManifest(fileSystem, folder, sealed);
}

/** The last file of an unfinished folder; syncs the folder. */
export function writeManifest(fileSystem: FileSystem, folder: string, sealed: readonly SealedFile[]): Seal {
  const manifest = Buffer.from(manifestText(sealed));
  writeSyncedFile(fileSystem, join(folder, MANIFEST_NAME), [manifest]);
  fileSystem.syncFolder(folder);
  return {
    sizeBytes: sealed.reduce((sum, file) => sum + file.sizeBytes, manifest.byteLength),
    manifestSha256: createHash('sha256').update(manifest).digest('hex'),
  };
}

interface Finished {
  readonly parent: string;
  readonly name: string;
  /** The whole folder, manifest included. */
  readonly temporary: string;
  readonly seal: Seal;
  readonly replace: boolean;
}

/** Gives a finished folder its name, as `writeSealedFolder` promises. */
export function putInPlace(
  fileSystem: FileSystem,
  { parent, name, temporary, seal, replace }: Finished,
): void {
  const isThere = fileSystem.list(parent).includes(name);
  const inTheWay = isThere ? judge(join(parent, name), seal, replace) : 'nothing';
  if (inTheWay === 'equal') fileSystem.remove(temporary);
  else moveIntoPlace(fileSystem, { parent, name, temporary, inTheWay });
}

/** Other troubles (no permission, a newer format) do not mean that a folder is worthless. */
const DAMAGE: ReadonlySet<ErrorCode> = new Set(['BAD_FILE', 'CHECKSUM_MISMATCH']);

type InTheWay = 'nothing' | 'equal' | 'replaceable';

function judge(path: string, seal: Seal, replace: boolean): InTheWay {
  try {
    const { manifestSha256 } = verifySealedFolder(path);
    const isSame = manifestSha256 === seal.manifestSha256;
    // Sound or not, it goes.
    if (replace && !isSame) return 'replaceable';
    readSealedFolder(path);
    if (isSame) return 'equal';
  } catch (thrown) {
    if (thrown instanceof StudioError && DAMAGE.has(thrown.code)) return 'replaceable';
    throw thrown;
  }
  const message = `${path} exists and holds something else.`;
  const nextStep = 'Remove it, or choose another name.';
  throw new StudioError('ALREADY_EXISTS', message, { nextStep, place: { file: path } });
}

function moveIntoPlace(
  fileSystem: FileSystem,
  {
    parent,
    name,
    temporary,
    inTheWay,
  }: { parent: string; name: string; temporary: string; inTheWay: InTheWay },
): void {
  const aside = join(parent, temporaryName(name));
  if (inTheWay === 'replaceable') renamePatiently(fileSystem, join(parent, name), aside);
  renamePatiently(fileSystem, temporary, join(parent, name));
  fileSystem.syncFolder(parent);
  if (inTheWay === 'replaceable') removeQuietly(fileSystem, aside);
}
