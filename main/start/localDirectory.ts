/**
 * @file Runs under Node. The data directory, made sure to be local: SQLite's locks do not work on network file systems.
 * Another place is proposed and, when a person agrees, remembered.
 */
import { existsSync, lstatSync, mkdtempSync, rmdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { StudioError } from '../../shared/errors.ts';
import { networkFileSystemOf } from '../db/localFileSystem.ts';
import { chooseDataDirectory } from '../studio/dataDirectory.ts';
import { pointerFile, rememberDirectory, rememberedDirectory } from '../studio/directoryChoice.ts';

export interface LocalDirectoryLinks {
  readonly networkFileSystemOf: (folder: string) => string | null;
  /** Null where nobody can be asked. */
  readonly ask: ((question: string) => Promise<boolean>) | null;
  readonly pointerPath: string;
  /** Where local disks usually are, best first. */
  readonly localFolders: readonly string[];
}

const LOCAL_FOLDERS: readonly string[] = ['/scratch', '/local', '/var/tmp', '/tmp'];

/** @throws StudioError WRITE_FAILED, proposing a local place, when the directory is a network one and nobody agreed to another. */
export async function localDataDirectory(
  given: string | null,
  environment: Readonly<Record<string, string | undefined>>,
  links: LocalDirectoryLinks = terminalLinks(),
): Promise<string> {
  const wanted = chooseDataDirectory(given, environment);
  const remembered = rememberedDirectory(wanted, links.pointerPath);
  if (remembered !== wanted) return remembered;
  const network = links.networkFileSystemOf(existingParent(wanted));
  if (network === null) return wanted;
  const proposal = proposedPlace(links);
  const problem = `${wanted} lies on a network file system (${network}), where the database could be damaged.`;
  if (
    proposal !== null &&
    links.ask !== null &&
    (await links.ask(`${problem}\nUse ${proposal} instead, and remember it? [y/N] `))
  ) {
    rememberDirectory(wanted, proposal, links.pointerPath);
    return proposal;
  }
  throw new StudioError('WRITE_FAILED', problem, {
    nextStep:
      proposal === null
        ? 'Give a folder on a local disk: --data-dir FOLDER.'
        : `Use a local disk: --data-dir ${proposal}`,
    place: { file: wanted },
  });
}

/** This machine, where a person is asked by `ask`. */
export function linksHere(ask: LocalDirectoryLinks['ask']): LocalDirectoryLinks {
  return { networkFileSystemOf, ask, pointerPath: pointerFile(), localFolders: LOCAL_FOLDERS };
}

function terminalLinks(): LocalDirectoryLinks {
  const canAsk = process.stdin.isTTY && process.stdout.isTTY && process.env['CI'] === undefined;
  return linksHere(canAsk ? askOnTerminal : null);
}

async function askOnTerminal(question: string): Promise<boolean> {
  const asked = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await asked.question(question)).trim());
  } finally {
    asked.close();
  }
}

function existingParent(folder: string): string {
  let existing = resolve(folder);
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  return existing;
}

/** The first of the usual folders that is local and in which this person may write; null when there is none. */
function proposedPlace({ networkFileSystemOf: isNetwork, localFolders }: LocalDirectoryLinks): string | null {
  const name = `entail-${userInfo().username}`;
  const candidates = localFolders.filter(existsSync).map((folder) => join(folder, name));
  return (
    candidates.find((folder) => isWritable(folder) && isNetwork(existingParent(folder)) === null) ?? null
  );
}

/** Found out by trying: rights alone do not tell of a file system that is read-only or full. */
function isWritable(folder: string): boolean {
  try {
    if (existsSync(folder) && !isOwnFolder(folder)) return false;
    rmdirSync(mkdtempSync(join(existingParent(folder), '.entail-try-')));
    return true;
  } catch {
    return false;
  }
}

/** Where everybody may write, somebody else may have made the folder before, or put a link there. */
function isOwnFolder(folder: string): boolean {
  const found = lstatSync(folder);
  return found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid());
}
