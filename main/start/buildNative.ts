/**
 * @file Runs under Node. Builds the crate of the `native` engine when its sources are newer than its binary: beside it,
 * then in one rename, so that a broken build leaves the old one. Where there is none the studio runs on another engine.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { type Cargo, findCargo } from '../engines/native/cargo.ts';
import { findNative, loadTrouble, nativePlaces } from '../engines/native/loader.ts';
import { type ProgramOutcome, runProgram } from '../engines/runProgram.ts';
import { systemCode, writeError } from '../files/fileErrors.ts';
import { acquireFileLock, awaitFileLock, type FileLock } from '../files/fileLock.ts';
import { projectFolder } from '../version.ts';
import { newestMs } from './buildPages.ts';

const LONGEST_BUILD_MS = 20 * 60_000;
/** A build that failed is not tried again for so long, unless the sources change or somebody asks for it. */
const FAILURE_HOLDS_MS = 60 * 60_000;
const SOURCES = ['native/src', 'native/build.rs', 'native/Cargo.toml', 'native/Cargo.lock'];
/** As cargo and the compiler begin an error. */
const ERROR = /^error(\[E\d+\])?: /;
const WITHOUT = 'The studio uses tensorflow where it is installed, else wasm, which is slower.';
const AS_BEFORE = 'The studio uses the engine native as it was built before.';

export interface NativeBuildOptions {
  /** Lines that a person should read. */
  readonly say: (line: string) => void;
  /** What is being compiled at the moment, for a terminal that can show it; empty when that is over. */
  readonly onProgress?: (text: string) => void;
  readonly root?: string;
  /** True: a failure is an error, and an earlier one does not count. */
  readonly strict?: boolean;
  /** Ends the build, or the wait for another one. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Milliseconds when nothing has changed. With CI=true, or `strict`, a failed build is an error; that there is no Rust is one
 * with `strict` alone.
 * @throws StudioError ENGINE_FAILED; CANCELLED when the signal fires
 */
export async function buildNativeIfNeeded(options: NativeBuildOptions): Promise<void> {
  const { say, root = projectFolder(), strict = false, signal } = options;
  if (!nativeIsStale(root)) return;
  const failure = await attempt(root, options);
  if (failure === null) return;
  if (signal?.aborted === true)
    throw new StudioError('CANCELLED', 'Building the engine native was stopped, as asked.', {
      nextStep: 'The next start builds it.',
    });
  const { reason, nextStep, isDefect } = failure;
  if (strict || (isDefect && process.env['CI'] === 'true'))
    throw new StudioError('ENGINE_FAILED', `The engine native cannot be built: ${reason}`, { nextStep });
  const instead = findNative(nativePlaces(root)).kind === 'found' ? AS_BEFORE : WITHOUT;
  say(`The engine native cannot be built: ${reason} ${instead} ${nextStep}`.trimEnd());
}

/** Where progress can be shown, such as `process.stderr`. */
interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** -> an `onProgress`: one line that changes, on a terminal; nothing elsewhere. */
export function progressLine(stream: ProgressStream = process.stderr): (text: string) => void {
  return (text) => {
    if (stream.isTTY !== true) return;
    // A line that wraps could not be erased as one; a terminal that does not know its width says 0.
    stream.write(`\r\u001b[2K${text.slice(0, (stream.columns || 80) - 1)}`);
  };
}

interface BuildFailure {
  readonly reason: string;
  readonly nextStep: string;
  /** False when nothing was tried, for want of tools. */
  readonly isDefect: boolean;
}

/** -> null when a new binary is there, whoever built it. */
async function attempt(root: string, options: NativeBuildOptions): Promise<BuildFailure | null> {
  let lock: FileLock | undefined;
  try {
    lock = await takeLock(root, options);
    return await buildUnlessThere(root, options);
  } catch (thrown) {
    return failureOf(thrown, folderOf(root));
  } finally {
    lock?.release();
  }
}

/** What a disk or a lock refuses is an outcome; a mistake of ours is thrown on. */
function failureOf(thrown: unknown, path: string): BuildFailure {
  if (!(thrown instanceof StudioError) && systemCode(thrown) === null) throw thrown;
  const { message, nextStep } = writeError(thrown, path);
  return { reason: message, nextStep, isDefect: true };
}

async function buildUnlessThere(root: string, options: NativeBuildOptions): Promise<BuildFailure | null> {
  // Another start may have built it meanwhile, or may have failed to.
  if (!nativeIsStale(root)) return null;
  if (options.strict !== true && failedLately(root)) {
    const reason = `it failed a short while ago (${logPath(root)}).`;
    return { reason, nextStep: 'Try again with npm run native.', isDefect: true };
  }
  const search = await findCargo(manifestOf(root));
  if (search.kind === 'found') return await build(search.cargo, root, options);
  const reason = search.kind === 'missing' ? 'there is no Rust here.' : `${search.trouble}.`;
  return { reason, nextStep: 'Get it from https://rustup.rs and start again.', isDefect: false };
}

/**
 * True when a binary must be built: there is a crate, no prebuilt binary that loads, and none that loads and is as new
 * as the sources. Loading is tried last: what a process has loaded once stays, whatever takes its place.
 */
export function nativeIsStale(root: string): boolean {
  const { prebuilt, built } = nativePlaces(root);
  if (!existsSync(manifestOf(root)) || doesLoad(prebuilt)) return false;
  return !existsSync(built) || sourcesNewestMs(root) > statSync(built).mtimeMs || !doesLoad(built);
}

const doesLoad = (path: string) => existsSync(path) && loadTrouble(path) === null;
const manifestOf = (root: string) => join(root, 'native', 'Cargo.toml');

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

async function takeLock(root: string, { say, signal }: NativeBuildOptions): Promise<FileLock> {
  mkdirSync(folderOf(root), { recursive: true });
  const path = join(folderOf(root), 'build.lock');
  const purpose = 'building the engine native';
  try {
    return acquireFileLock(path, { purpose });
  } catch (thrown) {
    if (!(thrown instanceof StudioError) || thrown.code !== 'LOCKED') throw thrown;
  }
  say('Another start is building the engine native: waiting for it …');
  return await awaitFileLock(path, { purpose, mostMs: LONGEST_BUILD_MS, signal });
}

async function build(cargo: Cargo, root: string, options: NativeBuildOptions): Promise<BuildFailure | null> {
  const { say, onProgress, signal } = options;
  say('Building the engine native, once: about a minute …');
  const began = new Date();
  const target = join(root, 'native', 'target');
  const words = ['build', '--release', '--locked', '--manifest-path', manifestOf(root)];
  const outcome = await runProgram(cargo.command, words, {
    environment: environmentFor(cargo, target),
    timeoutMs: LONGEST_BUILD_MS,
    ...(signal === undefined ? {} : { signal }),
    onOutput: wholeLines((line) => onProgress?.(line)),
  }).finally(() => onProgress?.(''));
  const failure =
    outcome.exitCode === 0 ? takeOver(target, nativePlaces(root).built, began) : cargoFailure(outcome);
  if (failure !== null) return keepLog(root, failure, `${cargo.version}\n${outcome.stderr}`);
  rmSync(logPath(root), { force: true });
  say(`Built the engine native in ${((Date.now() - began.getTime()) / 1000).toFixed(0)} s.`);
  return null;
}

/** Of what arrives in pieces (cargo writes a line in several), the last line that is whole. */
function wholeLines(tell: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    const line = lines.findLast((one) => one.trim() !== '');
    if (line !== undefined) tell(line.trim());
  };
}

/** What cargo is told, over what somebody has set for work of their own. */
function environmentFor({ command, host }: Cargo, target: string): Record<string, string> {
  const path = process.env['PATH'] ?? '';
  const isSet = process.env['CARGO_BUILD_TARGET'] !== undefined;
  return {
    CARGO_TARGET_DIR: target,
    CARGO_TERM_COLOR: 'never',
    // One that is not on the PATH shall not find an older rustc there.
    ...(isAbsolute(command) ? { PATH: `${dirname(command)}${delimiter}${path}` } : {}),
    // For this machine; to cargo an empty one is an error, not none.
    ...(isSet && host !== null ? { CARGO_BUILD_TARGET: host } : {}),
  };
}

function cargoFailure({ timedOut, stderr, startError }: ProgramOutcome): BuildFailure {
  const reason = timedOut ? 'it took too long.' : (firstError(stderr) ?? startError ?? 'cargo failed.');
  return { reason, nextStep: '', isDefect: true };
}

/** The failure, which says where to read more: unless not even that can be written. */
function keepLog(root: string, failure: BuildFailure, said: string): BuildFailure {
  try {
    writeFileSync(logPath(root), `${said.trimEnd()}\n\n${failure.reason}\n`);
  } catch (thrown) {
    if (systemCode(thrown) === null) throw thrown;
    return failure;
  }
  const more = `Everything it said is in ${logPath(root)}.`;
  return { ...failure, nextStep: `${failure.nextStep} ${more}`.trimStart() };
}

/** As the compiler names a dynamic library of the crate "entail-native". */
function libraryName(platform = process.platform): string {
  if (platform === 'win32') return 'entail_native.dll';
  return platform === 'darwin' ? 'libentail_native.dylib' : 'libentail_native.so';
}

/** The newest there: with a target of its own, cargo builds into a folder that is named after it. */
function findLibrary(target: string): string | undefined {
  const names = existsSync(target) ? readdirSync(target) : [];
  const paths = ['.', ...names].map((name) => join(target, name, 'release', libraryName()));
  const present = paths.filter((path) => existsSync(path));
  return present.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
}

/**
 * Puts what was built into its place, if it loads, in one rename; a studio that has the old one loaded keeps it. It is
 * as old as the beginning of the build: sources that were changed meanwhile are newer.
 */
function takeOver(target: string, place: string, began: Date): BuildFailure | null {
  // A name that was never loaded before: the system may take a file's name for the file.
  const fresh = place.replace(/\.node$/, `.new-${process.pid}-${Date.now()}.node`);
  try {
    const library = findLibrary(target);
    if (library === undefined) throw new StudioError('ENGINE_FAILED', `cargo left no library in ${target}.`);
    copyFileSync(library, fresh);
    const trouble = loadTrouble(fresh);
    if (trouble !== null) throw new StudioError('ENGINE_FAILED', `What was built ${trouble}.`);
    utimesSync(fresh, began, began);
    replace(place, fresh);
    return null;
  } catch (thrown) {
    return failureOf(thrown, fresh);
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** @throws StudioError WRITE_FAILED */
function replace(place: string, fresh: string): void {
  try {
    renameSync(fresh, place);
  } catch (thrown) {
    const why = systemCode(thrown) ?? String(thrown);
    // Windows replaces no library that a process has loaded.
    const nextStep = 'End every studio that runs, then try again with npm run native.';
    throw new StudioError('WRITE_FAILED', `The new binary cannot take the place of ${place} (${why}).`, {
      nextStep,
      cause: thrown,
    });
  }
}

/** "error: failed to get …" without its first word, and the last of its causes, as a sentence. */
function firstError(output: string): string | null {
  const lines = output.split('\n');
  const at = lines.findIndex((text) => ERROR.test(text));
  if (at === -1) return null;
  const rest = lines.slice(at + 1);
  const next = rest.findIndex((text) => ERROR.test(text));
  const own = next === -1 ? rest : rest.slice(0, next);
  const cause = own.lastIndexOf('Caused by:');
  const texts = [lines[at]!.replace(ERROR, ''), ...(cause === -1 ? [] : own.slice(cause + 1, cause + 2))];
  return `${texts.map((text) => text.trim().replace(/\.$/, '')).join(': ')}.`;
}
