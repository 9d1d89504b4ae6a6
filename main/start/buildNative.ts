/**
 * @file Runs under Node. Builds the crate of the `native` engine when its sources are newer than its binary: beside it,
 * then in one rename, so that a broken build leaves the old one. Where it cannot be built the studio runs on `wasm`.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { type Cargo, findCargo } from '../engines/native/cargo.ts';
import { nativePlaces } from '../engines/native/loader.ts';
import { runProgram } from '../engines/runProgram.ts';
import { awaitFileLock, type FileLock } from '../files/fileLock.ts';
import { projectFolder } from '../version.ts';
import { newestMs } from './buildPages.ts';

const LONGEST_BUILD_MS = 20 * 60_000;
/** A build that failed is not tried again for so long, unless the sources change or somebody asks for it. */
const FAILURE_HOLDS_MS = 60 * 60_000;
const SOURCES = ['native/src', 'native/build.rs', 'native/Cargo.toml', 'native/Cargo.lock'];
const WITHOUT = 'The studio uses the engine wasm, which is slower.';

export interface NativeBuildOptions {
  /** Lines that a person should read. */
  readonly say: (line: string) => void;
  /** What is being compiled at the moment, for a terminal that can show it. */
  readonly onProgress?: (text: string) => void;
  readonly root?: string;
  /** True: a failure is an error, and an earlier one does not count. */
  readonly strict?: boolean;
}

/**
 * Seconds when nothing has changed. With CI=true, or `strict`, a failed build is an error; that there is no Rust is one
 * with `strict` alone.
 * @throws StudioError ENGINE_FAILED
 */
export async function buildNativeIfNeeded(options: NativeBuildOptions): Promise<void> {
  const { say, root = projectFolder(), strict = false } = options;
  if (!nativeIsStale(root)) return;
  const failure = await attempt(root, options);
  if (failure === null) return;
  const { reason, nextStep, isDefect } = failure;
  if (strict || (isDefect && process.env['CI'] === 'true'))
    throw new StudioError('ENGINE_FAILED', `The engine native cannot be built: ${reason}`, { nextStep });
  say(`The engine native cannot be built: ${reason} ${WITHOUT} ${nextStep}`);
}

interface BuildFailure {
  readonly reason: string;
  readonly nextStep: string;
  /** False when nothing was tried, for want of tools. */
  readonly isDefect: boolean;
}

/** -> null when a new binary is there, whoever built it. */
async function attempt(root: string, options: NativeBuildOptions): Promise<BuildFailure | null> {
  let lock: FileLock;
  try {
    lock = await takeLock(root);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return { reason: `${reason.replace(/\.$/, '')}.`, nextStep: '', isDefect: true };
  }
  try {
    // Another start may have built it meanwhile, or may have failed to.
    if (!nativeIsStale(root)) return null;
    if (options.strict !== true && failedLately(root)) {
      const reason = `it failed a short while ago (${logPath(root)}).`;
      return { reason, nextStep: 'Try again with npm run native.', isDefect: true };
    }
    const search = await findCargo(join(root, 'native', 'Cargo.toml'));
    if (search.kind !== 'found') {
      const reason = search.kind === 'missing' ? 'there is no Rust here.' : `${search.trouble}.`;
      return { reason, nextStep: 'Get it from https://rustup.rs and start again.', isDefect: false };
    }
    const reason = await build(search.cargo, root, options);
    if (reason === null) return null;
    return { reason, nextStep: `Everything it said is in ${logPath(root)}.`, isDefect: true };
  } finally {
    lock.release();
  }
}

/** True when a binary must be built: there is a crate, no prebuilt binary, and none that is as new as the sources. */
export function nativeIsStale(root: string): boolean {
  const { prebuilt, built } = nativePlaces(root);
  if (existsSync(prebuilt) || !existsSync(join(root, 'native', 'Cargo.toml'))) return false;
  return !existsSync(built) || sourcesNewestMs(root) > statSync(built).mtimeMs;
}

function sourcesNewestMs(root: string): number {
  const present = SOURCES.map((source) => join(root, source)).filter(existsSync);
  return Math.max(...present.map(newestMs));
}

const folderOf = (root: string) => dirname(nativePlaces(root).built);
const logPath = (root: string) => join(folderOf(root), 'build.log');

/** The log of a build that failed stays; one that worked removes it. */
function failedLately(root: string): boolean {
  const log = logPath(root);
  if (!existsSync(log)) return false;
  const { mtimeMs } = statSync(log);
  return mtimeMs > sourcesNewestMs(root) && Date.now() - mtimeMs < FAILURE_HOLDS_MS;
}

function takeLock(root: string): Promise<FileLock> {
  mkdirSync(folderOf(root), { recursive: true });
  const options = { purpose: 'building the engine native', mostMs: LONGEST_BUILD_MS };
  return awaitFileLock(join(folderOf(root), 'build.lock'), options);
}

/** @returns null, or why there is no new binary. */
async function build(
  cargo: Cargo,
  root: string,
  { say, onProgress }: NativeBuildOptions,
): Promise<string | null> {
  say('Building the engine native, once: about a minute …');
  const began = new Date();
  const target = join(root, 'native', 'target');
  const words = ['build', '--release', '--locked', '--manifest-path', join(root, 'native', 'Cargo.toml')];
  const { exitCode, startError, timedOut, stderr } = await runProgram(cargo.command, words, {
    environment: { CARGO_TARGET_DIR: target, CARGO_TERM_COLOR: 'never' },
    timeoutMs: LONGEST_BUILD_MS,
    onOutput: (text) => onProgress?.(text.trim().split('\n').at(-1)!.trim()),
  });
  if (exitCode !== 0) {
    writeFileSync(logPath(root), `${cargo.version}\n${stderr}`);
    return timedOut ? 'it took too long.' : (firstError(stderr) ?? startError ?? 'cargo failed.');
  }
  takeOver(join(target, 'release', libraryName()), nativePlaces(root).built, began);
  rmSync(logPath(root), { force: true });
  say(`Built the engine native in ${((Date.now() - began.getTime()) / 1000).toFixed(0)} s.`);
  return null;
}

/** As the compiler names a dynamic library of the crate "entail-native". */
function libraryName(platform = process.platform): string {
  if (platform === 'win32') return 'entail_native.dll';
  return platform === 'darwin' ? 'libentail_native.dylib' : 'libentail_native.so';
}

/**
 * In one rename; a studio that has the old one loaded keeps it. It is as old as the beginning of the build: sources that
 * were changed meanwhile are newer.
 */
function takeOver(library: string, place: string, began: Date): void {
  const fresh = `${place}.new-${process.pid}`;
  copyFileSync(library, fresh);
  utimesSync(fresh, began, began);
  renameSync(fresh, place);
}

/** "error: failed to download …" without its first word, as a sentence. */
function firstError(output: string): string | null {
  const line = output.split('\n').find((text) => /^error(\[E\d+\])?: /.test(text));
  return line === undefined ? null : `${line.replace(/^error(\[E\d+\])?: /, '').replace(/\.$/, '')}.`;
}
