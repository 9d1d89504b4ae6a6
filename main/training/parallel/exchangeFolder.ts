/**
 * @file Runs in the supervisor's process. The folder in which the workers of a run find each other and share memory: in
 * memory itself where the system has such a place, for a file on a disk would be written there again and again.
 */
import { chmodSync, mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeError } from '../../files/fileErrors.ts';
import { isAbandoned, temporaryName } from '../../files/temporaryName.ts';

/** Short: the path of a socket in it has at most about a hundred characters. */
const NAME = 'entail';
const MEMORY = '/dev/shm';

/** A new folder that only this user may look into, with room for `bytes` where that is to be had. @throws StudioError WRITE_FAILED */
export function makeExchangeFolder(bytes: number, places: readonly string[] = [MEMORY, tmpdir()]): string {
  const roomy = places.find((place) => bytesFree(place) > bytes);
  const parent = roomy ?? places.at(-1)!;
  const folder = join(parent, temporaryName(NAME));
  try {
    sweep(parent);
    mkdirSync(folder, { mode: 0o700 });
    chmodSync(folder, 0o700);
  } catch (thrown) {
    throw writeError(thrown, folder);
  }
  return folder;
}

export function removeExchangeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** What a supervisor left behind that was killed. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (name.startsWith(`${NAME}.tmp-`) && isAbandoned(parent, name)) tryToRemove(join(parent, name));
  }
}

/** Another user's may not be removed, and need not. */
function tryToRemove(folder: string): void {
  try {
    removeExchangeFolder(folder);
  } catch {
    return;
  }
}

/** 0 where there is no such folder. */
function bytesFree(place: string): number {
  try {
    const { bavail, bsize } = statfsSync(place);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
