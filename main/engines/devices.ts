/** @file Node. The devices that an engine can compute on here, and what a worker's process needs to compute on one. */
import { type Device, PROCESSOR } from '../../shared/devices.ts';
import type { EngineName } from '../../shared/engines.ts';
import { type CudaGpus, cudaDevices, cudaEnvironment, cudaGpus, NO_CUDA } from './cudaDevices.ts';
import { DriverSilent } from './driverSilent.ts';
import type { HardwarePlaces } from './hardware.ts';
import { isAble, whyTooOld } from './tensorflow/cudaReadiness.ts';
import { findInstallation } from './tensorflow/installation.ts';
import { webgpuDevices, webgpuEnvironment } from './webgpu/webgpuDevices.ts';

const NO_CUDA_GPUS: CudaGpus = { visible: [], hidden: [] };

export interface DeviceSurroundings {
  readonly dataDirectory: string;
  readonly hardware?: HardwarePlaces;
}

/** A GPU that is here and that an engine cannot compute on. */
export interface UnableDevice extends Pick<Device, 'name'> {
  /** A sentence without its full stop. */
  readonly sentence: string;
  readonly nextStep: string;
}

/**
 * The best first; those that are taken unasked come before the processor. Never empty.
 * @throws DriverSilent where NVIDIA's driver cannot be asked now
 */
export async function listDevices(
  engine: EngineName,
  { dataDirectory, hardware }: DeviceSurroundings,
): Promise<Device[]> {
  if (engine === 'webgpu') {
    const cuda = await cudaGpus(hardware).catch((thrown: unknown) => asSilence(thrown));
    const gpus = await webgpuDevices(cuda instanceof DriverSilent ? NO_CUDA_GPUS : cuda);
    // Another maker's GPU does not depend on NVIDIA's driver; which chip one of NVIDIA's is, only that one tells.
    if (cuda instanceof DriverSilent && gpus.some(({ title }) => title.includes('NVIDIA'))) throw cuda;
    return gpus.length > 0 ? gpus : [PROCESSOR];
  }
  if (engine !== 'tensorflow') return [PROCESSOR];
  if (!isForCuda(dataDirectory)) return [PROCESSOR];
  // On a GPU that its library has no code for, TensorFlow would compute on the processor without a word.
  return [...(await cudaDevices(hardware)).filter(isAble), PROCESSOR];
}

/** Those that `listDevices` leaves out though this process may use them. @throws DriverSilent */
export async function unableDevices(
  engine: EngineName,
  { dataDirectory, hardware }: DeviceSurroundings,
): Promise<UnableDevice[]> {
  if (engine !== 'tensorflow' || !isForCuda(dataDirectory)) return [];
  return (await cudaDevices(hardware))
    .filter((device) => !isAble(device))
    .map(({ name, title, computeCapability }) => {
      return { name, ...whyTooOld([{ name: title, computeCapability }]) };
    });
}

function isForCuda(dataDirectory: string): boolean {
  return findInstallation(dataDirectory, { cuda: true })?.manifest.kind === 'cuda';
}

function asSilence(thrown: unknown): DriverSilent {
  if (thrown instanceof DriverSilent) return thrown;
  throw thrown;
}

/** GPUs where there are any: what a run takes that asks for none by name. */
export function unaskedDevices(devices: readonly Device[]): Device[] {
  const gpus = devices.filter(({ name }) => name !== 'cpu');
  return gpus.length > 0 ? gpus : [...devices];
}

/** Variables by which a worker that runs `engine` sees this device and no other. */
export function deviceEnvironment(engine: EngineName, device: Device): Readonly<Record<string, string>> {
  if (device.name.startsWith('cuda:')) return cudaEnvironment(device);
  if (device.name.startsWith('webgpu:')) return webgpuEnvironment(device);
  return device.name === 'cpu' && engine === 'tensorflow' ? NO_CUDA : {};
}
