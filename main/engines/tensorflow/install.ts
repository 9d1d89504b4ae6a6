/** @file Node. `engines install tensorflow`: from nothing to a tested installation, or nothing at all. */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { StudioError } from '../../../shared/errors.ts';
import { writeFileAtomic } from '../../files/atomicWrite.ts';
import { acquireFileLock } from '../../files/fileLock.ts';
import { nodeFileSystem } from '../../files/fileSystem.ts';
import {
  defaultThreads,
  glibcVersion,
  type HardwarePlaces,
  hasNvidiaDriver,
  nvidiaDriver,
} from '../hardware.ts';
import { compileBinding } from './compile.ts';
import { driverCompiles, requireCudaMachine } from './cudaReadiness.ts';
import { environmentFor } from './environment.ts';
import { fetchWheels, type InstallPlan } from './fetchWheels.ts';
import {
  BINDING_FILE,
  downloadFolder,
  type Installation,
  type InstallationManifest,
  installationFolder,
  isBroken,
  MANIFEST_FILE,
  readInstallation,
  tensorflowFolder,
} from './installation.ts';
import { sha256Of } from './pipDownload.ts';
import { LEAST_GLIBC, type Recipe, recipeFor, unpackedBytes } from './recipe.ts';
import { requireTools, type Tools } from './requirements.ts';
import { selfTest, selfTestLimitMs } from './selfTest.ts';
import { type UnpackedFile, unpackWheel } from './unpack.ts';
import { isAtLeast } from './versions.ts';

export interface InstallProgress {
  readonly phase: 'checking' | 'downloading' | 'unpacking' | 'compiling' | 'testing';
  /** What is being worked on: a file's name, or the phase in words. */
  readonly what: string;
  readonly doneBytes: number;
  /** 0 where a phase has no size. */
  readonly totalBytes: number;
}

export interface InstallOptions {
  readonly dataDirectory: string;
  readonly cuda: boolean;
  /** For CUDA on a machine where no GPU can be used, such as the login node of a cluster. */
  readonly anyway?: boolean;
  /** What will be fetched, before anything is. */
  readonly onPlan?: (plan: InstallPlan) => void;
  /** Where an NVIDIA driver is looked for. */
  readonly hardware?: HardwarePlaces;
  /** Keep the downloaded wheels for another machine or another try. */
  readonly keepDownloads?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: InstallProgress) => void;
}

export interface InstallOutcome {
  readonly installation: Installation;
  /** True when it was there before, and nothing was done. */
  readonly alreadyThere: boolean;
  /** Null when nothing was tested because it was already there. */
  readonly usesGpu: boolean | null;
  /** For CUDA: why it uses no GPU, a clause; null where it does, and where nobody expects it. */
  readonly gpuTrouble: string | null;
}

/**
 * Installs TensorFlow into the data directory. Safe to interrupt and to repeat: wheels that were fetched and verified
 * are kept until the installation is done, and the installation appears whole or not at all.
 * @throws ENGINE_MISSING (this machine or a tool), DISK_FULL, OFFLINE, DOWNLOAD_FAILED, CHECKSUM_MISMATCH,
 * ENGINE_FAILED (compiler or self-test), LOCKED, CANCELLED
 */
export async function installTensorflow(options: InstallOptions): Promise<InstallOutcome> {
  const recipe = supportedRecipe(options.cuda);
  if (options.cuda && options.anyway !== true) await requireCudaMachine(options.hardware);
  return await installRecipe(recipe, options);
}

function supportedRecipe(cuda: boolean): Recipe {
  const recipe = recipeFor(process, cuda ? 'cuda' : 'cpu');
  const glibc = glibcVersion();
  const reason =
    'unsupported' in recipe
      ? recipe.unsupported
      : process.platform === 'linux' && !isAtLeast(glibc, LEAST_GLIBC)
        ? `TensorFlow needs the GNU C library ${LEAST_GLIBC} or newer, and this system has ${glibc ?? 'another C library'}.`
        : null;
  if (reason !== null)
    throw new StudioError('ENGINE_MISSING', reason, {
      nextStep: 'Use the engine that needs nothing: --engine wasm.',
    });
  return recipe as Recipe;
}

/** As `installTensorflow`, by a given recipe. */
export async function installRecipe(recipe: Recipe, options: InstallOptions): Promise<InstallOutcome> {
  const parent = tensorflowFolder(options.dataDirectory);
  mkdirSync(parent, { recursive: true });
  const lock = acquireFileLock(join(parent, 'install.lock'), { purpose: 'installing the engine tensorflow' });
  try {
    const folder = installationFolder(options.dataDirectory, recipe.kind);
    const present = readInstallation(folder);
    if (present !== null && !isBroken(present))
      return { installation: present, alreadyThere: true, usesGpu: null, gpuTrouble: null };
    return await installFresh(recipe, folder, options);
  } catch (thrown) {
    throw options.signal?.aborted === true ? cancelled(thrown) : thrown;
  } finally {
    lock.release();
  }
}

async function installFresh(
  recipe: Recipe,
  folder: string,
  options: InstallOptions,
): Promise<InstallOutcome> {
  report(options, 'checking', 'python3, pip and the C++ compiler');
  const tools = await requireTools();
  sweepLeftovers(options.dataDirectory);
  await fetchWheels(recipe, {
    ...options,
    onChecking: (file) => report(options, 'checking', file),
    onBytes: (file, done, total) => report(options, 'downloading', file, done, total),
  });
  const work = `${folder}.tmp-${process.pid}`;
  mkdirSync(work);
  try {
    const unpacked = await unpackAll(recipe, work, options);
    report(options, 'compiling', `the binding, with ${tools.compiler.version}`);
    await compileBinding(work, recipe, tools, options.signal);
    const tested = await test(recipe, work, unpacked, options);
    await seal({ recipe, work, folder, tools, unpacked });
    if (options.keepDownloads !== true)
      rmSync(downloadFolder(options.dataDirectory), { recursive: true, force: true });
    return { installation: requireInstallation(folder), alreadyThere: false, ...tested };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What an interrupted installation left; we hold the lock, so nobody is at work on it. */
function sweepLeftovers(dataDirectory: string): void {
  const parent = tensorflowFolder(dataDirectory);
  for (const name of readdirSync(parent))
    if (name.includes('.tmp-')) rmSync(join(parent, name), { recursive: true, force: true });
  const downloads = downloadFolder(dataDirectory);
  mkdirSync(downloads, { recursive: true });
  for (const name of readdirSync(downloads))
    if (name.startsWith('.partial-')) rmSync(join(downloads, name), { recursive: true, force: true });
}

async function unpackAll(recipe: Recipe, work: string, options: InstallOptions): Promise<UnpackedFile[]> {
  const totalBytes = unpackedBytes(recipe);
  const files: UnpackedFile[] = [];
  let doneBytes = 0;
  for (const wheel of recipe.wheels) {
    const onBytes = (added: number) => {
      doneBytes += added;
      report(options, 'unpacking', wheel.file, Math.min(doneBytes, totalBytes), totalBytes);
    };
    const settings = {
      folder: work,
      onBytes,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    };
    files.push(...(await unpackWheel(join(downloadFolder(options.dataDirectory), wheel.file), settings)));
  }
  return files;
}

const TEST = 'a product of two matrices';
const COMPILES = 'the driver compiles for this GPU first, for up to half an hour';

async function test(
  recipe: Recipe,
  work: string,
  unpacked: readonly UnpackedFile[],
  options: InstallOptions,
): Promise<Pick<InstallOutcome, 'usesGpu' | 'gpuTrouble'>> {
  const { signal, hardware } = options;
  const driver = await nvidiaDriver(hardware);
  const compiles = recipe.kind === 'cuda' && driverCompiles(driver?.gpus ?? []);
  report(options, 'testing', compiles ? `${TEST}; ${COMPILES}` : TEST);
  const made = { folder: work, kind: recipe.kind, paths: unpacked.map(({ path }) => path) };
  const result = await selfTest(work, environmentFor(made, defaultThreads()), {
    timeoutMs: selfTestLimitMs(recipe.kind, driver),
    ...(signal === undefined ? {} : { signal }),
  });
  if (result.ok) {
    const { usesGpu } = result;
    const expected = recipe.kind === 'cuda' && hasNvidiaDriver(hardware) && !usesGpu;
    return { usesGpu, gpuTrouble: expected ? (result.gpuTrouble ?? 'it does not see the GPU') : null };
  }
  throw new StudioError('ENGINE_FAILED', `TensorFlow was built, but does not work here: ${result.problem}.`, {
    nextStep: 'npx --no entail engines doctor shows what is missing; --engine wasm works without it.',
  });
}

interface SealingJob {
  readonly recipe: Recipe;
  readonly work: string;
  readonly folder: string;
  readonly tools: Tools;
  readonly unpacked: readonly UnpackedFile[];
}

/** Headers go (they served the compiler), the manifest comes last, and the folder gets its name in one step. */
async function seal({ recipe, work, folder, tools, unpacked }: SealingJob): Promise<void> {
  rmSync(join(work, 'tensorflow', 'include'), { recursive: true, force: true });
  const binding = join(work, BINDING_FILE);
  const kept = unpacked.filter(({ path }) => !path.startsWith('tensorflow/include/'));
  const manifest: InstallationManifest = {
    format: 1,
    kind: recipe.kind,
    tensorflowVersion: recipe.tensorflowVersion,
    bindingVersion: tools.sources.version,
    compiler: tools.compiler.version,
    platform: process.platform,
    arch: process.arch,
    installedAt: new Date().toISOString(),
    wheels: recipe.wheels.map(({ file, sha256, sizeBytes }) => ({ file, sha256, sizeBytes })),
    files: [
      ...kept.map(({ path, sizeBytes, sha256 }) => ({ path, sizeBytes, sha256 })),
      { path: BINDING_FILE, sizeBytes: statSync(binding).size, sha256: await sha256Of(binding) },
    ],
  };
  writeFileAtomic(join(work, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  rmSync(folder, { recursive: true, force: true }); // a broken one, found before
  renameSync(work, folder);
  nodeFileSystem.syncFolder(join(folder, '..'));
}

function requireInstallation(folder: string): Installation {
  const found = readInstallation(folder);
  if (found !== null && !isBroken(found)) return found;
  const problem = found === null ? 'it is missing' : found.problem;
  throw new StudioError('ENGINE_FAILED', `${basename(folder)} was installed, but ${problem}.`, {
    nextStep: 'Run the command again.',
  });
}

function report(
  { onProgress }: InstallOptions,
  phase: InstallProgress['phase'],
  what: string,
  doneBytes = 0,
  totalBytes = 0,
): void {
  onProgress?.({ phase, what, doneBytes, totalBytes });
}

function cancelled(thrown: unknown): StudioError {
  return new StudioError('CANCELLED', 'The installation was stopped; what had been fetched is kept.', {
    nextStep: 'Run the command again to go on.',
    cause: thrown,
  });
}
