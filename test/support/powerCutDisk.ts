/**
 * @file Tests. A disk in memory that promises no more than POSIX does: after a power cut, bytes that were not synced
 * may be there, missing, cut short or zero, and names in a folder that was not synced may be old or new, each by
 * itself.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { FileSystem } from '../../main/files/fileSystem.ts';
import { Stopped, systemError } from './faultyFileSystem.ts';

interface DiskFile {
  readonly kind: 'file';
  bytes: Buffer;
  synced: Buffer | null;
}
interface DiskFolder {
  readonly kind: 'folder';
  readonly names: Map<string, DiskFile | DiskFolder>;
  synced: ReadonlyMap<string, DiskFile | DiskFolder>;
}

export interface PowerCutDisk {
  /** Paths on it start with "/". */
  readonly fileSystem: FileSystem;
  /** From this many operations on, the machine is off; Infinity never. */
  cutAfter(operations: number): void;
  isOff(): boolean;
  /** Writes one of the states that the disk may be in after the cut to a real folder. */
  surviveInto(folder: string, random: () => number): void;
}

export function powerCutDisk(): PowerCutDisk {
  const root = emptyFolder();
  let operations = 0;
  let cutAt = Number.POSITIVE_INFINITY;
  const counting =
    <Input extends unknown[], Output>(act: (...input: Input) => Output) =>
    (...input: Input): Output => {
      if (++operations > cutAt) throw new Stopped();
      return act(...input);
    };
  const disk = plainDisk(root);
  return {
    fileSystem: {
      ...disk,
      makeFolder: counting(disk.makeFolder),
      createFile: counting(disk.createFile),
      write: counting(disk.write),
      syncFile: counting(disk.syncFile),
      rename: counting(disk.rename),
      syncFolder: counting(disk.syncFolder),
      remove: counting(disk.remove),
    },
    cutAfter: (more) => {
      cutAt = operations + more;
    },
    isOff: () => operations > cutAt,
    surviveInto: (folder, random) => surviveFolder(root, folder, random),
  };
}

function emptyFolder(): DiskFolder {
  return { kind: 'folder', names: new Map(), synced: new Map() };
}

function plainDisk(root: DiskFolder): FileSystem {
  const open: DiskFile[] = [];
  const folderAt = (path: string): DiskFolder => {
    const found = path === '/' ? root : folderAt(dirname(path)).names.get(basename(path));
    if (found?.kind !== 'folder') throw systemError('ENOENT');
    return found;
  };
  const namesBeside = (path: string) => folderAt(dirname(path)).names;
  const add = (path: string, entry: DiskFile | DiskFolder) => {
    if (namesBeside(path).has(basename(path))) throw systemError('EEXIST');
    namesBeside(path).set(basename(path), entry);
  };
  return {
    makeFolder: (path) => add(path, emptyFolder()),
    createFile: (path) => {
      const file: DiskFile = { kind: 'file', bytes: Buffer.alloc(0), synced: null };
      add(path, file);
      return open.push(file) - 1;
    },
    write: (file, bytes) => {
      open[file]!.bytes = Buffer.concat([open[file]!.bytes, bytes]);
      return bytes.byteLength;
    },
    syncFile: (file) => {
      open[file]!.synced = open[file]!.bytes;
    },
    closeFile: () => {},
    rename: (from, to) => {
      const entry = namesBeside(from).get(basename(from));
      if (entry === undefined) throw systemError('ENOENT');
      namesBeside(from).delete(basename(from));
      namesBeside(to).set(basename(to), entry);
    },
    syncFolder: (path) => {
      folderAt(path).synced = new Map(folderAt(path).names);
    },
    remove: (path) => {
      namesBeside(path).delete(basename(path));
    },
    list: (path) => [...folderAt(path).names.keys()],
    pause: () => {},
  };
}

function surviveFolder(disk: DiskFolder, target: string, random: () => number): void {
  mkdirSync(target, { recursive: true });
  for (const name of new Set([...disk.names.keys(), ...disk.synced.keys()])) {
    const entry = random() < 0.5 ? disk.names.get(name) : disk.synced.get(name);
    if (entry?.kind === 'folder') surviveFolder(entry, join(target, name), random);
    if (entry?.kind === 'file') writeFileSync(join(target, name), survivingBytes(entry, random));
  }
}

function survivingBytes(file: DiskFile, random: () => number): Buffer {
  if (file.synced === file.bytes) return file.bytes;
  const choices = [
    file.synced ?? Buffer.alloc(0),
    file.bytes,
    file.bytes.subarray(0, Math.floor(random() * file.bytes.byteLength)),
    Buffer.alloc(file.bytes.byteLength),
  ];
  return choices[Math.floor(random() * choices.length)]!;
}

/** Numbers in [0, 1) that depend on the seed only (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
