/** @file Node. Where an export goes: a name that every system can have, and a folder that appears when it is whole. */
import { existsSync, mkdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import type { ExportFormat } from '../../shared/exports.ts';
import { removeQuietly } from '../files/atomicWrite.ts';
import { renamePatiently } from '../files/durableWrite.ts';
import { writeError } from '../files/fileErrors.ts';
import { type FileSystem, nodeFileSystem } from '../files/fileSystem.ts';
import { sweepTemporary } from '../files/sealedFolder.ts';
import { temporaryName } from '../files/temporaryName.ts';
import { requireReplaceable } from './exportManifest.ts';

const LONGEST_NAME_BYTES = 200;
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose.
const FORBIDDEN = /[<>:"/\\|?*\u0000-\u001f\u007f]/;
/** Windows knows devices by these names, whatever the extension. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;

/** What is added to the name of a folder whose export failed its comparison. */
export const FAILED_SUFFIX = '.failed';

/** Absolute. @throws StudioError USAGE for a name that some system cannot have. */
export function destinationFolder(given: string): string {
  const path = resolve(given);
  const name = basename(path);
  const why = whyNoName(name);
  if (why === null) return path;
  throw new StudioError('USAGE', `A folder cannot be called ${JSON.stringify(name.slice(0, 80))}: ${why}.`, {
    nextStep: 'Give --out a plain name, such as --out exported.',
  });
}

function whyNoName(name: string): string | null {
  if (name === '') return 'it names the root of the disk';
  if (Buffer.byteLength(name) > LONGEST_NAME_BYTES) return `it has more than ${LONGEST_NAME_BYTES} bytes`;
  if (FORBIDDEN.test(name)) return 'it holds a character that file names cannot have everywhere';
  if (DEVICE.test(name)) return 'Windows keeps that name for a device';
  if (/[. ]$/.test(name)) return 'it ends in a dot or a blank';
  if (name.startsWith('-')) return 'programs would take it for an option';
  return null;
}

/** Where the earlier export stands while the new one takes its place: not a temporary name, which would be swept. */
const previousOf = (place: string): string => join(dirname(place), `.${basename(place)}.entail-previous`);

/** A process that died between the two renames of an exchange left nothing in the place: the earlier export returns to it. */
export function settlePlace(place: string, fileSystem: FileSystem = nodeFileSystem): void {
  const previous = previousOf(place);
  if (!existsSync(previous)) return;
  if (existsSync(place)) removeQuietly(fileSystem, previous);
  else renamePatiently(fileSystem, previous, place);
}

/** A folder that is written beside its place. */
export class PendingFolder {
  readonly path: string;
  readonly destination: string;
  readonly #to: ExportFormat;
  readonly #fileSystem: FileSystem;

  /** @throws StudioError ALREADY_EXISTS when what is in the way is no such export of ours; WRITE_FAILED, DISK_FULL. */
  constructor(destination: string, to: ExportFormat, fileSystem: FileSystem = nodeFileSystem) {
    settlePlace(destination, fileSystem);
    requireReplaceable(destination, to);
    const parent = dirname(destination);
    this.destination = destination;
    this.#to = to;
    this.path = join(parent, temporaryName(basename(destination)));
    this.#fileSystem = fileSystem;
    try {
      mkdirSync(parent, { recursive: true });
      sweepTemporary(parent, fileSystem);
      fileSystem.makeFolder(this.path);
    } catch (thrown) {
      throw writeError(thrown, destination);
    }
  }

  /**
   * Renames it into its place, or, when it failed, beside that with ".failed" added. What was there before stays until
   * then, and returns when the rename fails. @returns where it is now
   */
  publish(outcome: 'good' | 'failed'): string {
    const place = outcome === 'good' ? this.destination : this.destination + FAILED_SUFFIX;
    const fileSystem = this.#fileSystem;
    settlePlace(place, fileSystem);
    // Of exports that failed one is kept, whichever it is.
    requireReplaceable(place, outcome === 'good' ? this.#to : null);
    const parent = dirname(place);
    const old = previousOf(place);
    try {
      fileSystem.syncFolder(this.path);
      const replaces = fileSystem.list(parent).includes(basename(place));
      if (replaces) renamePatiently(fileSystem, place, old);
      try {
        renamePatiently(fileSystem, this.path, place);
      } catch (thrown) {
        if (replaces) renamePatiently(fileSystem, old, place);
        throw thrown;
      }
      fileSystem.syncFolder(parent);
      if (replaces) removeQuietly(fileSystem, old);
      return place;
    } catch (thrown) {
      throw writeError(thrown, place);
    }
  }

  /** Nothing of it is left; after `publish` it does nothing. */
  discard(): void {
    removeQuietly(this.#fileSystem, this.path);
  }
}
