/**
 * @file Runs under Node. The data directory, made sure to be local: SQLite's locks do not work on network file systems.
 * Another place is proposed and, when a person agrees, remembered.
 */
import { existsSync } from 'node:fs';
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
}

/** @throws StudioError WRITE_FAILED, proposing a local place, when the directory is a network one and nobody agreed to another. */
export async function localDataDirectory(
  given: string | null,
  environment: Readonly<Record<string, string | undefined>>,
  links: LocalDirectoryLinks = defaultLinks(),
): Promise<string> {
  const wanted = chooseDataDirectory(given, environment);
  const remembered = rememberedDirectory(wanted, links.pointerPath);
  if (remembered !== wanted) return remembered;
  const network = links.networkFileSystemOf(existingParent(wanted));
  if (network === null) return wanted;
  const proposal = proposedPlace(links.networkFileSystemOf);
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

function defaultLinks(): LocalDirectoryLinks {
  const canAsk = process.stdin.isTTY && process.stdout.isTTY && process.env['CI'] === undefined;
  return { networkFileSystemOf, ask: canAsk ? askOnTerminal : null, pointerPath: pointerFile() };
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

/** The first local folder of the usual ones; null when all are remote. */
function proposedPlace(isNetwork: LocalDirectoryLinks['networkFileSystemOf']): string | null {
  const name = `entail-${userInfo().username}`;
  const candidates = ['/scratch', '/local', '/var/tmp', '/tmp']
    .filter(existsSync)
    .map((folder) => join(folder, name));
  return candidates.find((folder) => isNetwork(existingParent(folder)) === null) ?? null;
}
