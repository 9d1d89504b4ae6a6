/** @file Runs under Node. Folders of the studio's machine, for a page that has no dialog of its own. */
import { readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { FolderEntry, FolderListing } from '../../shared/contract/app.ts';
import { readError } from '../files/fileErrors.ts';

const MOST_ENTRIES = 2000;

/** Folders first, then files, each by name; hidden ones are left out. @throws StudioError NOT_FOUND, UNREADABLE. */
export function listFolder(path: string | null): FolderListing {
  const folder = path === null ? homedir() : resolve(path);
  let names: string[];
  try {
    names = readdirSync(folder)
      .filter((name) => !name.startsWith('.'))
      .sort();
  } catch (thrown) {
    throw readError(thrown, folder);
  }
  const entries = names
    .slice(0, MOST_ENTRIES)
    .flatMap((name) => entryOf(folder, name))
    .sort(
      (one, other) =>
        Number(other.kind === 'folder') - Number(one.kind === 'folder') || (one.name < other.name ? -1 : 1),
    );
  const parent = dirname(folder);
  return {
    path: folder,
    parent: parent === folder ? null : parent,
    entries,
    cut: names.length > MOST_ENTRIES,
  };
}

/** Devices, sockets and what has vanished are no files to choose. */
function entryOf(folder: string, name: string): FolderEntry[] {
  const path = join(folder, name);
  try {
    const status = statSync(path);
    if (status.isDirectory()) return [{ name, path, kind: 'folder', sizeBytes: null }];
    return status.isFile() ? [{ name, path, kind: 'file', sizeBytes: status.size }] : [];
  } catch {
    return [];
  }
}
