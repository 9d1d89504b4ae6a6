/**
 * @file Runs under Node. Another data directory instead of the usual one, remembered outside of both: agreed to because
 * the usual one lies on a network file system, or chosen in the settings. It counts from the next start on.
 */
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import envPaths from 'env-paths';
import { z } from 'zod';
import { StudioError } from '../../shared/errors.ts';
import { networkFileSystemOf } from '../db/localFileSystem.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import { writeError } from '../files/fileErrors.ts';

const pointerSchema = z.object({ instead: z.record(z.string(), z.string()) });

/** Where the remembered places stand: a file in the platform's configuration folder. */
export function pointerFile(): string {
  return join(envPaths('entail', { suffix: '' }).config, 'data-directories.json');
}

/** The place that a person agreed to instead of `wanted`; else `wanted` itself. */
export function rememberedDirectory(wanted: string, pointerPath = pointerFile()): string {
  return rememberedPlaces(pointerPath)[wanted] ?? wanted;
}

/** Null forgets what was remembered. @throws StudioError WRITE_FAILED. */
export function rememberDirectory(wanted: string, instead: string | null, pointerPath = pointerFile()): void {
  const { [wanted]: _, ...others } = rememberedPlaces(pointerPath);
  const places = instead === null || instead === wanted ? others : { ...others, [wanted]: instead };
  try {
    mkdirSync(dirname(pointerPath), { recursive: true });
    writeFileAtomic(pointerPath, JSON.stringify({ instead: places }, null, 2));
  } catch (thrown) {
    throw writeError(thrown, pointerPath);
  }
}

function rememberedPlaces(path: string): Readonly<Record<string, string>> {
  try {
    return pointerSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).instead;
  } catch {
    // Nothing remembered, or nothing readable: the directory itself is looked at.
    return {};
  }
}

/** The choice as the settings show it. */
export interface DirectoryChoice {
  /** What has settled it, such as "--data-dir"; null when the settings may. */
  readonly settledBy: string | null;
  /** Where the studio opens next time. */
  next(): string;
  /** Null goes back to the usual place. @throws StudioError USAGE or WRITE_FAILED for a folder that cannot be used. */
  choose(folder: string | null): void;
}

/** For a studio whose directory was named when it was started. */
export function settledDirectory(directory: string, settledBy: string): DirectoryChoice {
  return {
    settledBy,
    next: () => directory,
    choose: () => {
      throw new StudioError('USAGE', `The data directory is named by ${settledBy}.`, {
        nextStep: 'Start the studio without it to choose one here.',
      });
    },
  };
}

/** `usual` is where the studio opens when nobody chose. */
export function openDirectoryChoice(usual: string, pointerPath = pointerFile()): DirectoryChoice {
  return {
    settledBy: null,
    next: () => rememberedDirectory(usual, pointerPath),
    choose: (folder) => {
      if (folder !== null) requireUsable(folder);
      rememberDirectory(usual, folder === null ? null : resolve(folder), pointerPath);
    },
  };
}

/** What `given` (of --data-dir) and the environment leave to choose. `usual` is what they name. */
export function directoryChoice(
  usual: string,
  given: string | null,
  environment: Readonly<Record<string, string | undefined>>,
): DirectoryChoice {
  if (given !== null) return settledDirectory(usual, '--data-dir');
  if ((environment['ENTAIL_HOME'] ?? '') !== '') return settledDirectory(usual, 'ENTAIL_HOME');
  return openDirectoryChoice(usual);
}

function requireUsable(folder: string): void {
  if (!isAbsolute(folder))
    throw new StudioError('USAGE', `${folder} is not a whole path.`, {
      nextStep: 'Name the folder from the root on, such as /data/entail.',
    });
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (thrown) {
    throw writeError(thrown, folder);
  }
  const network = networkFileSystemOf(folder);
  if (network !== null)
    throw new StudioError('WRITE_FAILED', `${folder} lies on a network file system (${network}).`, {
      nextStep: 'Choose a folder on a local disk: the database could be damaged there.',
      place: { file: folder },
    });
}
