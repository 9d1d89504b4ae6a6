/**
 * @file Node. Whether TensorFlow can compute on an NVIDIA GPU here, and what stands in the way, by name: read from the driver
 * and the manifest, without loading anything.
 */
import { StudioError } from '../../../shared/errors.ts';
import { type CudaGpus, cudaGpus, VISIBLE } from '../cudaDevices.ts';
import { DriverSilent } from '../driverSilent.ts';
import {
  type HardwarePlaces,
  hasNvidiaDriver,
  type NvidiaDriver,
  type NvidiaGpu,
  nvidiaDriver,
} from '../hardware.ts';
import { findInstallation, installationFolder, isBroken, readInstallation } from './installation.ts';
import {
  COMPILED_CAPABILITIES,
  LEAST_COMPUTE_CAPABILITY,
  LEAST_NVIDIA_DRIVER,
  PORTABLE_CAPABILITY,
} from './recipe.ts';
import { isAtLeast } from './versions.ts';

export interface CudaObstacle {
  readonly name:
    | 'no driver'
    | 'driver does not answer'
    | 'driver too old'
    | 'no GPU'
    | 'GPU too old'
    | 'GPU hidden'
    | 'not whole';
  /** A sentence without its full stop. */
  readonly sentence: string;
  readonly nextStep: string;
}

/** What of the machine stands in the way; null when nothing does. */
export function machineObstacle(
  driver: NvidiaDriver | null,
  isLoaded = hasNvidiaDriver(),
): CudaObstacle | null {
  if (driver === null)
    return isLoaded
      ? {
          name: 'driver does not answer',
          sentence: 'an NVIDIA driver is loaded, but neither nvidia-smi nor /proc tells its version',
          nextStep: 'Run nvidia-smi: after an update of the driver the machine must be restarted.',
        }
      : {
          name: 'no driver',
          sentence: 'no NVIDIA driver was found',
          nextStep: `Install NVIDIA's driver, ${LEAST_NVIDIA_DRIVER} or newer.`,
        };
  if (!isAtLeast(driver.version, LEAST_NVIDIA_DRIVER))
    return {
      name: 'driver too old',
      sentence: `the NVIDIA driver ${driver.version} is older than the ${LEAST_NVIDIA_DRIVER} that CUDA 12 needs`,
      nextStep: `Update NVIDIA's driver to ${LEAST_NVIDIA_DRIVER} or newer.`,
    };
  return gpuObstacle(driver.gpus);
}

function gpuObstacle(gpus: readonly NvidiaGpu[]): CudaObstacle | null {
  if (gpus.length === 0)
    return {
      name: 'no GPU',
      sentence: 'the NVIDIA driver is loaded, but shows no GPU',
      nextStep: 'Run nvidia-smi -L: it should list a GPU.',
    };
  if (gpus.some(isAble)) return null;
  return { name: 'GPU too old', ...whyTooOld(gpus) };
}

/** Of GPUs that are not able. */
export function whyTooOld(
  gpus: readonly Pick<NvidiaGpu, 'name' | 'computeCapability'>[],
): Pick<CudaObstacle, 'sentence' | 'nextStep'> {
  const named = gpus.map(({ name, computeCapability }) => `${name} (${computeCapability})`).join(', ');
  return {
    sentence: `TensorFlow needs compute capability ${LEAST_COMPUTE_CAPABILITY}, and here is ${named}`,
    nextStep: 'Use --engine webgpu or native, which need no CUDA.',
  };
}

/**
 * What of CUDA_VISIBLE_DEVICES stands in the way, on a machine that has an able GPU; null when nothing does, and while the driver
 * does not say which GPUs there are.
 */
export async function visibilityObstacle(places?: HardwarePlaces): Promise<CudaObstacle | null> {
  const gpus = await gpusUnlessSilent(places);
  if (gpus === null || gpus.visible.some(isAble)) return null;
  const hidden = gpus.hidden.filter(isAble).map(({ title }) => title);
  if (hidden.length === 0) return null;
  return {
    name: 'GPU hidden',
    sentence: `${VISIBLE} hides ${hidden.join(', ')}`,
    nextStep: 'Leave that variable out or name the GPU in it, or use another engine.',
  };
}

async function gpusUnlessSilent(places?: HardwarePlaces): Promise<CudaGpus | null> {
  try {
    return await cudaGpus(places);
  } catch (thrown) {
    if (thrown instanceof DriverSilent) return null;
    throw thrown;
  }
}

/** What a GPU must be known to be able to do. */
type Capable = Pick<NvidiaGpu, 'computeCapability'>;

/** Unless it is known that the GPU is too old. */
export function isAble({ computeCapability }: Capable): boolean {
  return computeCapability === null || isAtLeast(computeCapability, LEAST_COMPUTE_CAPABILITY);
}

/** "30 minutes or longer", by TensorFlow's own words. */
export const LONGEST_COMPILING_MS = 60 * 60_000;

/** Whether the driver compiles at a first start what the wheel has in an intermediate form only. */
export function driverCompiles(gpus: readonly Capable[]): boolean {
  return gpus.some((gpu) => isAble(gpu) && codeFor(gpu) !== '');
}

/** What the wheel has for a GPU, as a clause; "" for those it has code for. */
export function codeFor({ computeCapability }: Capable): string {
  if (computeCapability === null) return '';
  if (!isAtLeast(computeCapability, LEAST_COMPUTE_CAPABILITY))
    return `${LEAST_COMPUTE_CAPABILITY} or more is needed`;
  const [major, minor] = computeCapability.split('.').map(Number) as [number, number];
  const runs = COMPILED_CAPABILITIES.some((compiled) => {
    const [compiledMajor, compiledMinor] = compiled.split('.').map(Number) as [number, number];
    return compiledMajor === major && compiledMinor <= minor;
  });
  return runs
    ? ''
    : `the wheel has code for ${COMPILED_CAPABILITIES.join(', ')} and an intermediate form for ${PORTABLE_CAPABILITY} and newer, ` +
        'which the driver compiles at the first start: that can take half an hour, once';
}

/** What stands in the way of an installation that is there or should be; null without one, and where all is well. */
export async function cudaObstacle(
  dataDirectory: string,
  places?: HardwarePlaces,
): Promise<CudaObstacle | null> {
  const found = readInstallation(installationFolder(dataDirectory, 'cuda'));
  // On a machine without a GPU nobody expects one.
  if (found === null || !hasNvidiaDriver(places)) return null;
  if (isBroken(found))
    return {
      name: 'not whole',
      sentence: `the installation for CUDA is not whole: ${found.problem}`,
      nextStep: 'Run npx --no entail engines install tensorflow --cuda again.',
    };
  return machineObstacle(await nvidiaDriver(places), true) ?? (await visibilityObstacle(places));
}

/** Whether `tensorflow` computes on a GPU here, as far as can be told without loading it. */
export async function canUseCuda(dataDirectory: string, places?: HardwarePlaces): Promise<boolean> {
  if (!hasNvidiaDriver(places)) return false;
  const installation = findInstallation(dataDirectory, { cuda: true });
  return installation?.manifest.kind === 'cuda' && (await cudaObstacle(dataDirectory, places)) === null;
}

/** Why a library that is loaded uses no GPU, as a sentence; null where nobody expects one. */
export async function whyNoGpu(
  dataDirectory: string,
  kind: 'cpu' | 'cuda',
  places?: HardwarePlaces,
): Promise<string | null> {
  if (!hasNvidiaDriver(places)) return null;
  const obstacle = await cudaObstacle(dataDirectory, places);
  const build = 'this installation is for the processor (engines install tensorflow --cuda is for the GPU)';
  const libraries = 'its CUDA libraries do not load here (engines doctor says which)';
  const reason = obstacle?.sentence ?? (kind === 'cpu' ? build : libraries);
  return `TensorFlow computes on the processor, not on the GPU: ${reason}.`;
}

/** @throws StudioError ENGINE_MISSING where gigabytes would be fetched for nothing. */
export async function requireCudaMachine(places?: HardwarePlaces): Promise<void> {
  const obstacle = machineObstacle(await nvidiaDriver(places), hasNvidiaDriver(places));
  if (obstacle === null) return;
  throw new StudioError('ENGINE_MISSING', `TensorFlow cannot use a GPU here: ${obstacle.sentence}.`, {
    nextStep: `${obstacle.nextStep} Or leave --cuda out; --anyway installs for CUDA all the same.`,
  });
}
