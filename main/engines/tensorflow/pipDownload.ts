/**
 * @file Node. Fetches pinned wheels with pip, so that a person's own index, mirror, proxy and cache are honoured and
 * no host is named here. pip checks the hash; we check it again, because a wheel may have lain here since last time.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { StudioError } from '../../../shared/errors.ts';
import { lastLines, runProgram } from '../runProgram.ts';
import { folderBytes } from './installation.ts';
import type { Wheel } from './recipe.ts';

export interface PipDownloadOptions {
  /** Where the wheel shall lie. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  /** Bytes of this wheel so far; pip says nothing that every version of it agrees on, so the growing file is read. */
  readonly onBytes?: (doneBytes: number) => void;
}

const LOOK_EVERY_MS = 250;

/** Whether the verified wheel is there already. One with other bytes is removed. */
export async function hasWheel(wheel: Wheel, { folder, signal }: PipDownloadOptions): Promise<boolean> {
  const path = join(folder, wheel.file);
  if (!existsSync(path)) return false;
  if ((await sha256Of(path, signal)) === wheel.sha256) return true;
  rmSync(path);
  return false;
}

/**
 * Fetches one wheel into `folder` under its own name.
 * @throws DOWNLOAD_FAILED with pip's last words; OFFLINE when pip could not reach its index; CHECKSUM_MISMATCH;
 * CANCELLED
 */
export async function downloadWheel(wheel: Wheel, options: PipDownloadOptions): Promise<void> {
  const work = join(options.folder, `.partial-${process.pid}`);
  rmSync(work, { recursive: true, force: true });
  const temporary = join(work, 'tmp');
  mkdirSync(temporary, { recursive: true });
  let mostBytes = 0; // pip moves the file when it is complete: for a moment it counts twice, or not at all
  const look = () => {
    mostBytes = Math.min(Math.max(mostBytes, folderBytes(work)), wheel.sizeBytes);
    options.onBytes?.(mostBytes);
  };
  const looking = setInterval(look, LOOK_EVERY_MS);
  try {
    await runPip(wheel, work, temporary, options.signal);
    const fetched = join(work, wheel.file);
    const sha256 = existsSync(fetched) ? await sha256Of(fetched, options.signal) : 'nothing';
    if (sha256 !== wheel.sha256) throw wrongBytes(wheel, sha256);
    renameSync(fetched, join(options.folder, wheel.file));
    options.onBytes?.(wheel.sizeBytes);
  } finally {
    clearInterval(looking);
    rmSync(work, { recursive: true, force: true });
  }
}

async function runPip(
  wheel: Wheel,
  work: string,
  temporary: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const requirements = join(work, 'requirements.txt');
  writeFileSync(requirements, `${wheel.project}==${wheel.version} --hash=sha256:${wheel.sha256}\n`);
  const words = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary=:all:',
    '--disable-pip-version-check',
    '--no-input',
    '--progress-bar',
    'off',
    '--python-version',
    '3.12',
    '--implementation',
    'cp',
    '--abi',
    'cp312',
    '--platform',
    wheel.platformTag,
    '--require-hashes',
    '-r',
    requirements,
    '-d',
    work,
  ];
  // pip unpacks into TMPDIR first: on our own disk, where the space was checked and the file can be watched growing.
  const environment = {
    ...{ TMPDIR: temporary, PYTHONUNBUFFERED: '1', LC_ALL: 'C.UTF-8' },
    // A download of hundreds of megabytes that breaks off goes on where it was, with pip 25.1 and newer; older ones overlook it.
    PIP_RESUME_RETRIES: process.env['PIP_RESUME_RETRIES'] ?? '20',
  };
  const outcome = await runProgram('python3', words, {
    environment,
    ...(signal === undefined ? {} : { signal }),
  });
  if (outcome.exitCode === 0) return;
  throw pipError(wheel, `${outcome.stdout}\n${outcome.stderr}`, outcome.startError);
}

const OFFLINE_WORDS =
  /NewConnectionError|Name or service not known|Temporary failure in name resolution|Network is unreachable|ConnectTimeout|Failed to establish|ProxyError|getaddrinfo/;

function pipError(wheel: Wheel, said: string, startError: string | null): StudioError {
  const title = `${wheel.project} ${wheel.version}`;
  if (startError !== null)
    return new StudioError('ENGINE_MISSING', `python3 could not be started (${startError}).`, {
      nextStep: 'Install Python 3 with pip and try again.',
    });
  const tail = lastLines(said.trim(), 4);
  if (/HASHES FROM THE REQUIREMENTS|DO NOT MATCH THE HASHES/i.test(said))
    return new StudioError(
      'CHECKSUM_MISMATCH',
      `The index gave other bytes for ${title} than those pinned here.`,
      {
        nextStep:
          'Do not use that file: check which package index pip is set to (python3 -m pip config list).',
      },
    );
  if (/No space left on device|Errno 28/.test(said))
    return new StudioError('DISK_FULL', `The disk filled up while fetching ${title}.`, {
      nextStep: 'Free some space and run the command again: what was fetched is kept.',
    });
  if (OFFLINE_WORDS.test(said))
    return new StudioError('OFFLINE', `pip could not reach its package index to fetch ${title}:\n${tail}`, {
      nextStep: 'Check the connection (pip honours HTTPS_PROXY and pip.conf) and run the command again.',
    });
  return new StudioError('DOWNLOAD_FAILED', `pip could not fetch ${title}:\n${tail}`, {
    nextStep:
      'Run the command again: what was fetched is kept. python3 -m pip config list shows where pip looks.',
  });
}

function wrongBytes(wheel: Wheel, sha256: string): StudioError {
  return new StudioError(
    'CHECKSUM_MISMATCH',
    `${wheel.file} has SHA-256 ${sha256}, and should have ${wheel.sha256}.`,
    {
      nextStep: 'Do not use that file: check which package index pip is set to (python3 -m pip config list).',
    },
  );
}

/** Hex SHA-256 of a file. */
export async function sha256Of(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(
    createReadStream(path, { highWaterMark: 1 << 20 }),
    hash,
    ...(signal === undefined ? [] : [{ signal }]),
  );
  return hash.digest('hex');
}
