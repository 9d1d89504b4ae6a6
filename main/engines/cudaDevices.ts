/** @file Node. The GPUs that CUDA offers to this process, and how a worker is shown one of them. */
import type { Device } from '../../shared/devices.ts';
import { StudioError } from '../../shared/errors.ts';
import { DriverSilent } from './driverSilent.ts';
import { type HardwarePlaces, hasNvidiaDriver, nvidiaDriver, procGpus } from './hardware.ts';
import { gpusOrSilence, type NvidiaSmiGpu } from './nvidiaSmi.ts';

export const VISIBLE = 'CUDA_VISIBLE_DEVICES';
/** A part of a GPU, as CUDA names it: by its own uuid, or by its GPU's and two numbers. nvidia-smi's queries do not list them. */
const MIG_SLICE = /^MIG-(?:(GPU-[\da-f-]{1,64})\/\d{1,3}\/\d{1,3}|[\w-]{1,64})$/i;
/** In place of a uuid, where only the driver's files say that there is one. */
const FIRST_GPU = 'first NVIDIA GPU';

/** Whoever tells of it: nvidia-smi, or the driver's files, which do not know how good it is. */
interface ToldGpu
  extends Pick<NvidiaSmiGpu, 'index' | 'uuid' | 'name' | 'memoryBytes' | 'computeCapability'> {
  readonly driver: string | null;
}

export interface CudaGpus {
  /** What CUDA_VISIBLE_DEVICES leaves, in its order; without it the best first. */
  readonly visible: readonly Device[];
  readonly hidden: readonly Device[];
}

/**
 * The number in a name is the driver's, the same in every process. Empty without a driver. Throws DriverSilent where a driver is
 * and cannot be asked now: what it has is not known then.
 */
export async function cudaGpus(places?: HardwarePlaces): Promise<CudaGpus> {
  const asked = await gpusOrSilence();
  // Without a driver nvidia-smi, where it is left over from one, says so and fails.
  if (asked === 'failed' && !hasNvidiaDriver(places)) return { visible: [], hidden: [] };
  const gpus = asked === 'missing' ? await gpusByProc(places) : asked;
  if (gpus === null) return await untoldGpus(places);
  if (typeof gpus === 'string') throw new DriverSilent();
  const variable = process.env[VISIBLE];
  // The driver counts by the slots that they are in. An order that a person has written is meant.
  const visible = variable === undefined ? bestFirst(gpus) : visibleGpus(gpus, variable);
  const hidden = gpus.filter((gpu) => !visible.includes(gpu));
  return { visible: visible.map(deviceOf), hidden: hidden.map(deviceOf) };
}

/** Those that this process may use. Throws DriverSilent. */
export async function cudaDevices(places?: HardwarePlaces): Promise<Device[]> {
  return [...(await cudaGpus(places)).visible];
}

/** Whether all that is known of a device is that CUDA will take it: any GPU of NVIDIA's may be it. */
export function isUntold({ gpus }: Pick<Device, 'gpus'>): boolean {
  return gpus.includes(FIRST_GPU);
}

/**
 * Variables for a process that shall see this device alone, as its first.
 * @throws StudioError ENGINE_FAILED for a device without a uuid, which would be computed on another one
 */
export function cudaEnvironment({
  name,
  gpus: [uuid],
}: Pick<Device, 'name' | 'gpus'>): Record<string, string> {
  if (uuid !== undefined && (uuid.startsWith('GPU-') || MIG_SLICE.test(uuid))) return { [VISIBLE]: uuid };
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
function bestFirst(gpus: readonly ToldGpu[]): ToldGpu[] {
  const rank = ({ computeCapability, memoryBytes }: ToldGpu) => {
    const [major = -1, minor = -1] = computeCapability?.split('.').map(Number) ?? [];
    return [major, minor, memoryBytes ?? -1] as const;
  };
  return gpus.toSorted((one, other) => {
    const [ranks, others] = [rank(one), rank(other)];
    const at = ranks.findIndex((value, place) => value !== others[place]);
    return at === -1 ? 0 : others[at]! - ranks[at]!;
  });
}

/**
 * As CUDA reads the variable: indices, beginnings of uuids, or slices of GPUs; what follows the first that names none is not seen.
 * A slice has a number behind those of all GPUs, so that no name is of two devices.
 */
export function visibleGpus(gpus: readonly ToldGpu[], variable: string | undefined): ToldGpu[] {
  if (variable === undefined) return [...gpus];
  const afterGpus = 1 + Math.max(-1, ...gpus.map(({ index }) => index));
  const named = variable.split(',').map((word, place) => {
    const text = word.trim();
    if (/^\d+$/.test(text)) return gpus.find(({ index }) => index === Number(text));
    if (MIG_SLICE.test(text)) return sliceOf(gpus, text, afterGpus + place);
    return text === '' ? undefined : gpus.find(({ uuid }) => uuid.startsWith(text));
  });
  const end = named.indexOf(undefined);
  return (end === -1 ? named : named.slice(0, end)).flatMap((gpu) => gpu ?? []);
}

/** Whether there is one of that name, CUDA says when a process starts. */
function sliceOf(gpus: readonly ToldGpu[], uuid: string, index: number): ToldGpu | undefined {
  const whole = MIG_SLICE.exec(uuid)?.[1];
  const mayBe = whole === undefined ? gpus : gpus.filter((gpu) => gpu.uuid === whole);
  const [first, ...others] = mayBe;
  if (first === undefined) return undefined;
  const isOfOneKind = others.every(
    ({ name, computeCapability }) => name === first.name && computeCapability === first.computeCapability,
  );
  const [name, computeCapability] = isOfOneKind
    ? [`MIG slice of ${first.name}`, first.computeCapability]
    : ['MIG slice', null];
  return { index, uuid, name, memoryBytes: null, computeCapability, driver: first.driver };
}

function deviceOf({ index, uuid, name, memoryBytes, computeCapability, driver }: ToldGpu): Device {
  return { name: `cuda:${index}`, title: name, memoryBytes, gpus: [uuid], computeCapability, driver };
}

/** What the driver's files say, as nvidia-smi would; null where they do not tell each uuid: in some containers. */
async function gpusByProc(places?: HardwarePlaces): Promise<ToldGpu[] | null> {
  const listed = procGpus(places) ?? [];
  const found = listed.flatMap(({ name, uuid }, index) =>
    uuid === null ? [] : { index, name, uuid, memoryBytes: null, computeCapability: null },
  );
  if (found.length === 0 || found.length < listed.length) return null;
  const driver = (await nvidiaDriver(places))?.version ?? null;
  return found.map((gpu) => ({ ...gpu, driver }));
}

/** Neither nvidia-smi nor a uuid: there is a GPU, and CUDA will take its first, unless it may take none. */
async function untoldGpus(places?: HardwarePlaces): Promise<CudaGpus> {
  if (!hasNvidiaDriver(places)) return { visible: [], hidden: [] };
  const driver = await nvidiaDriver(places);
  const title = driver?.gpus[0]?.name ?? 'NVIDIA GPU';
  const rest = { memoryBytes: null, computeCapability: null, driver: driver?.version ?? null };
  const gpus: Device[] = [{ name: 'cuda:0', title, gpus: [FIRST_GPU], ...rest }];
  const hidesAll = !/^\s*(\d|GPU-|MIG-)/.test(process.env[VISIBLE] ?? '0');
  return hidesAll ? { visible: [], hidden: gpus } : { visible: gpus, hidden: [] };
}
