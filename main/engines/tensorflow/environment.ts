/**
 * @file Node. The environment in which TensorFlow's library must start. It reads its settings when it is loaded, and the
 * loader reads the library path when the process starts: so a supervisor gives all of it to the worker that it forks.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { findInstallation } from './installation.ts';

export interface EnvironmentWish {
  readonly dataDirectory: string;
  /** Worker threads inside one op; all processors when absent. */
  readonly threads?: number;
  /** Whether there is an NVIDIA driver to use. */
  readonly cuda: boolean;
}

/** Variables by name for the process that shall load TensorFlow; empty when it is not installed. */
export function tensorflowEnvironment(wish: EnvironmentWish): Record<string, string> {
  const installation = findInstallation(wish.dataDirectory, wish);
  if (installation === null) return {};
  const { folder, manifest } = installation;
  return environmentFor(
    { folder, kind: manifest.kind, paths: manifest.files.map(({ path }) => path) },
    wish.threads ?? availableParallelism(),
  );
}

/** What the environment depends on; an installation in the making has no manifest yet. */
export interface Unpacked {
  readonly folder: string;
  readonly kind: 'cpu' | 'cuda';
  /** Its files, relative. */
  readonly paths: readonly string[];
}

export function environmentFor(unpacked: Unpacked, threads: number): Record<string, string> {
  const environment = libraryEnvironment(threads);
  return unpacked.kind === 'cuda' ? { ...environment, ...cudaEnvironment(unpacked) } : environment;
}

/** Read by the library when its context is made: still effective from inside the process before that. */
export function libraryEnvironment(threads: number): Record<string, string> {
  return {
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_NUM_INTEROP_THREADS: '1',
    TF_ENABLE_ONEDNN_OPTS: '1',
    TF_DETERMINISTIC_OPS: '1',
    TF_CUDNN_DETERMINISTIC: '1',
    TF_CPP_MIN_LOG_LEVEL: '2',
  };
}

function cudaEnvironment({ folder, paths }: Unpacked): Record<string, string> {
  const nvidia = (path: string) => /^(nvidia\/[^/]+\/lib)\//.exec(path)?.[1];
  const folders = new Set(paths.flatMap((path) => nvidia(path) ?? []));
  const inherited = process.env['LD_LIBRARY_PATH'];
  const searched = [...folders].map((relative) => join(folder, relative));
  return {
    LD_LIBRARY_PATH: [...searched, ...(inherited === undefined || inherited === '' ? [] : [inherited])].join(
      ':',
    ),
    XLA_FLAGS: `--xla_gpu_cuda_data_dir=${join(folder, 'nvidia', 'cuda_nvcc')}`,
    // Memory is taken as it is needed, not all of the device's at once.
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    // What the driver compiled for a GPU that the wheel has no code for is kept whole: it takes minutes to make again.
    CUDA_CACHE_MAXSIZE: String(4 * 2 ** 30),
    // TF32 rounds the factors of products to 10 bits of mantissa: engines would disagree by 1e-3.
    NVIDIA_TF32_OVERRIDE: '0',
    CUBLAS_WORKSPACE_CONFIG: ':4096:8',
  };
}
