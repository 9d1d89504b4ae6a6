/**
 * @file Benchmarks. How WebGPU gets to the GPU of a bare Linux machine: the loader that the package carries, and the
 * driver's own description, searched wherever distributions and container runtimes put it. Each way is tried.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { lastLines, runProgram } from '../../../main/engines/runProgram.ts';

export interface AdapterFacts {
  readonly name: string;
  readonly driver: string;
  /** All that there are: "NVIDIA H200 (vulkan)". */
  readonly there: readonly string[];
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  /** Least and most invocations of a subgroup, where it is known. */
  readonly subgroups: readonly (number | null)[];
}

export interface VulkanTrial {
  readonly what: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly outcome: string;
}

export interface VulkanSearch {
  /** What a process needs to reach the GPU; empty when no way led to one. */
  readonly environment: Readonly<Record<string, string>>;
  readonly adapter: AdapterFacts | null;
  readonly trials: readonly VulkanTrial[];
}

const TRIAL_MS = 30_000;

/** Where descriptions of drivers lie: distributions', NVIDIA's container runtime's, NixOS'. */
const DESCRIPTION_FOLDERS = [
  ...['/etc/vulkan/icd.d', '/usr/share/vulkan/icd.d', '/usr/local/share/vulkan/icd.d'],
  ...[
    '/usr/local/etc/vulkan/icd.d',
    '/usr/local/nvidia/share/vulkan/icd.d',
    '/opt/nvidia/share/vulkan/icd.d',
  ],
  '/run/opengl-driver/share/vulkan/icd.d',
];
const LIBRARY_FOLDERS = [
  ...[
    '/usr/local/nvidia/lib64',
    '/usr/local/nvidia/lib',
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib64',
    '/usr/lib',
  ],
  ...[
    '/usr/lib/x86_64-linux-gnu/nvidia/current',
    '/usr/lib/wsl/lib',
    '/run/opengl-driver/lib',
    '/opt/nvidia/lib64',
  ],
];
/** NVIDIA's driver under both names; the second one needs no X11. */
const LIBRARIES = ['libGLX_nvidia.so.0', 'libEGL_nvidia.so.0'];

const MEASURING = {
  // The engine offers half precision where its golden tests passed; here they are run.
  ENTAIL_WEBGPU_UNTRIED: '1',
  // Else the GPU's clock is told in steps of 65 µs: longer than most kernels.
  ENTAIL_DAWN_FLAGS: 'disable-dawn-features=timestamp_quantization',
};

interface Way {
  readonly what: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** `loader`: folder of the carried libvulkan.so.1. `work`: where descriptions are written that the machine lacks. */
export async function findVulkan(
  places: { readonly loader: string; readonly adapterProgram: string; readonly work: string },
  limitMs: () => number,
): Promise<VulkanSearch> {
  const trials: VulkanTrial[] = [];
  for (const way of ways(places)) {
    const timeoutMs = Math.min(TRIAL_MS, limitMs());
    if (timeoutMs === 0) break;
    const { stdout, stderr, startError } = await runProgram(process.execPath, [places.adapterProgram], {
      ...{ environment: way.environment, timeoutMs },
    });
    const adapter = factsIn(stdout);
    const trouble = startError ?? (lastLines(stderr, 4) || 'said nothing');
    trials.push({ ...way, outcome: adapter === null ? trouble : `found ${adapter.name}` });
    if (adapter !== null) return { environment: way.environment, adapter, trials };
  }
  return { environment: {}, adapter: null, trials };
}

/** The caller's choice alone, else NVIDIA's description, one written for its library, what the system's loader finds. */
function ways({ loader, work }: { loader: string; work: string }): Way[] {
  const folders = LIBRARY_FOLDERS.filter((folder) =>
    LIBRARIES.some((name) => existsSync(join(folder, name))),
  );
  const libraries = [loader, ...folders, process.env['LD_LIBRARY_PATH'] ?? ''].filter((path) => path !== '');
  const withLoader = { LD_LIBRARY_PATH: libraries.join(delimiter), ...MEASURING };
  const chosen = process.env['VK_DRIVER_FILES'] ?? process.env['VK_ICD_FILENAMES'];
  if (chosen !== undefined)
    return [{ what: `${chosen}, as asked`, environment: { ...withLoader, VK_DRIVER_FILES: chosen } }];
  const described = [...descriptions(), ...ownDescriptions(folders, work)].map((path) => ({
    what: path,
    environment: { ...withLoader, VK_DRIVER_FILES: path },
  }));
  return [
    ...described,
    { what: 'what the carried loader finds', environment: withLoader },
    { what: 'what the system has', environment: MEASURING },
  ];
}

function descriptions(): string[] {
  const shared = (process.env['XDG_DATA_DIRS'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const folders = [...DESCRIPTION_FOLDERS, ...shared.map((folder) => join(folder, 'vulkan/icd.d'))];
  const there = [...new Set(folders)].filter(existsSync);
  return there.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /nvidia.*\.json$/i.test(name))
      .map((name) => join(folder, name)),
  );
}

/** For libraries that lie there without a description. */
function ownDescriptions(folders: readonly string[], work: string): string[] {
  return folders.flatMap((folder) =>
    LIBRARIES.filter((name) => existsSync(join(folder, name))).map((name) => {
      const path = join(work, 'icd.d', `${folder.replaceAll('/', '_')}_${name}.json`);
      mkdirSync(dirname(path), { recursive: true });
      const library = { library_path: join(folder, name), api_version: '1.3.204' };
      writeFileSync(path, JSON.stringify({ file_format_version: '1.0.0', ICD: library }));
      return path;
    }),
  );
}

function factsIn(output: string): AdapterFacts | null {
  try {
    return JSON.parse(output) as AdapterFacts;
  } catch {
    return null;
  }
}
