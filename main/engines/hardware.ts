/** @file Node. What this machine has: processor instructions, C library, NVIDIA driver and devices. Reads only. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { nvidiaSmiGpus } from './nvidiaSmi.ts';

export interface NvidiaGpu {
  readonly name: string;
  /** Such as "9.0"; null when nvidia-smi could not say. */
  readonly computeCapability: string | null;
  readonly memoryBytes: number | null;
}

export interface NvidiaDriver {
  readonly version: string;
  readonly gpus: readonly NvidiaGpu[];
}

/** Where the facts are read from; tests give a folder of their own. */
export interface HardwarePlaces {
  readonly procFolder: string;
  readonly devFolder: string;
}

/** A GPU by the driver's files. */
export interface ProcGpu {
  readonly name: string;
  /** As nvidia-smi tells it; null where the file does not: the driver has not looked at the GPU yet. */
  readonly uuid: string | null;
}

const REAL_PLACES: HardwarePlaces = { procFolder: '/proc', devFolder: '/dev' };
const NO_NAME = 'NVIDIA GPU';
const UUID = /^GPU-[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Instruction sets by the names that Linux prints ("avx2", "avx512f"), or null where they cannot be read. */
export function processorFlags(places = REAL_PLACES): ReadonlySet<string> | null {
  const text = readText(join(places.procFolder, 'cpuinfo'));
  const line = text?.split('\n').find((row) => /^(flags|Features)\s*:/.test(row));
  return line === undefined
    ? null
    : new Set(
        line
          .slice(line.indexOf(':') + 1)
          .trim()
          .split(/\s+/),
      );
}

/** The widest vector instructions, as one word: a library that dispatches by it gives other bits elsewhere. */
export function vectorInstructions(flags = processorFlags()): string {
  if (flags === null) return process.arch;
  const widest = [
    ['avx512_bf16', 'avx512-bf16'],
    ['avx512f', 'avx512'],
    ['avx2', 'avx2'],
    ['avx', 'avx'],
    ['asimd', 'neon'],
  ].find(([flag]) => flags.has(flag!));
  return widest?.[1] ?? process.arch;
}

/** Version of the GNU C library, or null with another one (Alpine's musl) or off Linux. */
export function glibcVersion(): string | null {
  if (process.platform !== 'linux') return null;
  // A report that asks the network for names can take seconds.
  Reflect.set(process.report, 'excludeNetwork', true);
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return report.header?.glibcVersionRuntime ?? null;
}

/** How many threads an engine uses when nobody says: one a processor that this process may use. */
export function defaultThreads(): number {
  return availableParallelism();
}

/** What each of so many processes takes. */
export function dividedThreads(threads: number, processes: number): number {
  return Math.max(1, Math.floor(threads / processes));
}

/** Whether an NVIDIA driver is loaded: a look at the file system only. */
export function hasNvidiaDriver(places = REAL_PLACES): boolean {
  return (
    existsSync(join(places.procFolder, 'driver/nvidia/version')) ||
    existsSync(join(places.devFolder, 'nvidiactl'))
  );
}

/** The NVIDIA driver and its devices, or null when there is none. Never throws. */
export async function nvidiaDriver(places = REAL_PLACES): Promise<NvidiaDriver | null> {
  const fromTool = await askNvidiaSmi();
  if (fromTool !== null) return fromTool;
  const text = readText(join(places.procFolder, 'driver/nvidia/version'));
  const version = text === null ? null : /Kernel Module\S*\s+(?:for \S+\s+)?([\d.]+)/.exec(text)?.[1];
  if (version === null || version === undefined) return null;
  // In small containers nobody lists its devices.
  const gpus = procGpus(places) ?? [{ name: NO_NAME }];
  return { version, gpus: gpus.map(({ name }) => ({ name, computeCapability: null, memoryBytes: null })) };
}

async function askNvidiaSmi(): Promise<NvidiaDriver | null> {
  const gpus = await nvidiaSmiGpus();
  const version = gpus?.[0]?.driver;
  return gpus === null || version === undefined ? null : { version, gpus };
}

/** Those that this process may open, by their slots, as nvidia-smi counts them; null where nobody lists them. */
export function procGpus(places = REAL_PLACES): ProcGpu[] | null {
  const folder = join(places.procFolder, 'driver/nvidia/gpus');
  if (!existsSync(folder)) return null;
  return readdirSync(folder)
    .sort()
    .flatMap((bus) => {
      const information = readText(join(folder, bus, 'information')) ?? '';
      const value = (key: string) => new RegExp(`^${key}:[ \\t]*(.+)$`, 'm').exec(information)?.[1]?.trim();
      const minor = value('Device Minor');
      // The files are the machine's; a container may have been given some of its GPUs.
      if (minor !== undefined && !existsSync(join(places.devFolder, `nvidia${minor}`))) return [];
      const uuid = value('GPU UUID') ?? '';
      return { name: value('Model') ?? NO_NAME, uuid: UUID.test(uuid) ? uuid : null };
    });
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
