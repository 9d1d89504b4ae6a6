/** @file Node. The GPUs that CUDA offers to this process, and how a worker is shown one of them. */
import type { Device } from '../../shared/devices.ts';
import { StudioError } from '../../shared/errors.ts';
import { DriverSilent } from './driverSilent.ts';
import { hasNvidiaDriver, nvidiaDriver } from './hardware.ts';
import { gpusOrSilence, type NvidiaSmiGpu } from './nvidiaSmi.ts';

const VISIBLE = 'CUDA_VISIBLE_DEVICES';
/** In place of a uuid, where only the driver's files say that there is one. */
const FIRST_GPU = 'first NVIDIA GPU';

/**
 * The GPUs that CUDA_VISIBLE_DEVICES leaves, in its order; without it the best first. The number in a name is the driver's, the same in every process.
 * Empty without a driver. Throws DriverSilent where a driver is and cannot be asked now: what it has is not known then.
 */
export async function cudaDevices(): Promise<Device[]> {
  const gpus = await gpusOrSilence();
  if (gpus === 'missing') return await untoldDevices();
  // Without a driver nvidia-smi, where it is left over from one, says so and fails.
  if (gpus === 'failed' && !hasNvidiaDriver()) return [];
  if (typeof gpus === 'string') throw new DriverSilent();
  const variable = process.env[VISIBLE];
  // The driver counts by the slots that they are in. An order that a person has written is meant.
  return (variable === undefined ? bestFirst(gpus) : visibleGpus(gpus, variable)).map(deviceOf);
}

/**
 * Variables for a process that shall see this device alone, as its first.
 * @throws StudioError ENGINE_FAILED for a device without a uuid, which would be computed on another one
 */
export function cudaEnvironment({
  name,
  gpus: [uuid],
}: Pick<Device, 'name' | 'gpus'>): Record<string, string> {
  if (uuid?.startsWith('GPU-') === true) return { [VISIBLE]: uuid };
  // Nobody tells its uuid, and it is what CUDA takes by itself.
  if (uuid === FIRST_GPU) return {};
  throw new StudioError(
    'ENGINE_FAILED',
    `A worker cannot be shown the GPU ${name} alone: its uuid is not known.`,
    {
      nextStep: 'See which GPUs there are: npx --no entail devices',
    },
  );
}

/** Variables for a process that shall see no GPU. */
export const NO_CUDA: Readonly<Record<string, string>> = { [VISIBLE]: '-1' };

/** By compute capability, then memory; what is not known comes last, and what is alike stays in the driver's order. */
function bestFirst(gpus: readonly NvidiaSmiGpu[]): NvidiaSmiGpu[] {
  const rank = ({ computeCapability, memoryBytes }: NvidiaSmiGpu) => {
    const [major = -1, minor = -1] = computeCapability?.split('.').map(Number) ?? [];
    return [major, minor, memoryBytes ?? -1] as const;
  };
  return gpus.toSorted((one, other) => {
    const [ranks, others] = [rank(one), rank(other)];
    const at = ranks.findIndex((value, place) => value !== others[place]);
    return at === -1 ? 0 : others[at]! - ranks[at]!;
  });
}

/** As CUDA reads the variable: indices or beginnings of uuids; what follows the first that names none is not seen. */
export function visibleGpus(gpus: readonly NvidiaSmiGpu[], variable: string | undefined): NvidiaSmiGpu[] {
  if (variable === undefined) return [...gpus];
  const named = variable.split(',').map((word) => {
    const text = word.trim();
    if (/^\d+$/.test(text)) return gpus.find(({ index }) => index === Number(text));
    return text === '' ? undefined : gpus.find(({ uuid }) => uuid.startsWith(text));
  });
  const end = named.indexOf(undefined);
  return (end === -1 ? named : named.slice(0, end)).flatMap((gpu) => gpu ?? []);
}

function deviceOf({ index, uuid, name, memoryBytes, computeCapability, driver }: NvidiaSmiGpu): Device {
  return { name: `cuda:${index}`, title: name, memoryBytes, gpus: [uuid], computeCapability, driver };
}

/** A driver without nvidia-smi, as in small containers: there is a GPU, and CUDA will take its first. */
async function untoldDevices(): Promise<Device[]> {
  if (!hasNvidiaDriver()) return [];
  const driver = await nvidiaDriver();
  const title = driver?.gpus[0]?.name ?? 'NVIDIA GPU';
  const rest = { memoryBytes: null, computeCapability: null, driver: driver?.version ?? null };
  return [{ name: 'cuda:0', title, gpus: [FIRST_GPU], ...rest }];
}
