/** @file Node. The GPUs that the engine `webgpu` can compute on, as devices of a run. */
import type { Device } from '../../../shared/devices.ts';
import { StudioError } from '../../../shared/errors.ts';
import { type CudaGpus, cudaGpus, isUntold, VISIBLE } from '../cudaDevices.ts';
import { DriverSilent } from '../driverSilent.ts';
import type { HardwarePlaces } from '../hardware.ts';
import { adapterNamed, noAdapter } from './adapters.ts';
import { type AdapterFacts, adapterAmong, adaptersHere } from './adaptersHere.ts';

/**
 * The best first; those in software only when they are named. `cuda` are the GPUs that NVIDIA's driver lists: which of
 * several of one name an adapter is, nobody says, so it may be each of them. Never throws.
 */
export async function webgpuDevices(
  cuda: CudaGpus,
  named: string | undefined = adapterNamed(),
): Promise<Device[]> {
  const { adapters } = await adaptersHere();
  return adapters
    .filter((adapter) => isWanted(adapter, named) && !isHidden(adapter, cuda))
    .map((adapter, at) => deviceOf(adapter, at, [...cuda.visible, ...cuda.hidden]));
}

/** True where CUDA_VISIBLE_DEVICES hides every GPU that an adapter can be. Of several of one name it may be one that is not. */
export function isHidden(adapter: Pick<AdapterFacts, 'name'>, { visible, hidden }: CudaGpus): boolean {
  const canBe = (device: Device) => isOf(adapter, device);
  return hidden.some(canBe) && !visible.some(canBe);
}

function isOf({ name }: Pick<AdapterFacts, 'name'>, device: Device): boolean {
  return device.title === name || (isUntold(device) && name.includes('NVIDIA'));
}

function isWanted({ name, isSoftware, lacking }: AdapterFacts, named: string | undefined): boolean {
  if (lacking.length > 0) return false;
  return named === undefined ? !isSoftware : name.toLowerCase().includes(named.toLowerCase());
}

function deviceOf(adapter: AdapterFacts, at: number, cuda: readonly Device[]): Device {
  const { name, driver } = adapter;
  const same = cuda.filter((device) => isOf(adapter, device));
  return {
    name: `webgpu:${at}`,
    title: name,
    memoryBytes: same[0]?.memoryBytes ?? null,
    gpus: same.length > 0 ? same.flatMap(({ gpus }) => gpus) : [`webgpu ${name}`],
    computeCapability: null,
    driver,
  };
}

/** Variables by which a worker takes this adapter and no other. */
export function webgpuEnvironment({ title }: Device): Readonly<Record<string, string>> {
  return { ENTAIL_WEBGPU_ADAPTER: title };
}

/** The adapters that CUDA_VISIBLE_DEVICES leaves; all of them where NVIDIA's driver cannot be asked which are which. */
export async function adaptersLeft<Facts extends Pick<AdapterFacts, 'name'>>(
  adapters: readonly Facts[],
  hardware?: HardwarePlaces,
): Promise<Facts[]> {
  if (process.env[VISIBLE] === undefined) return [...adapters];
  try {
    const cuda = await cudaGpus(hardware);
    return adapters.filter((adapter) => !isHidden(adapter, cuda));
  } catch (thrown) {
    if (thrown instanceof DriverSilent) return [...adapters];
    throw thrown;
  }
}

/** @throws StudioError ENGINE_MISSING when there is no adapter that the engine would take */
export async function requireAdapter(named: string | undefined, hardware?: HardwarePlaces): Promise<void> {
  const { adapters, problem } = await adaptersHere();
  if (problem !== null)
    throw new StudioError('ENGINE_MISSING', `The engine webgpu does not start here: ${problem}.`, {
      nextStep: 'Run npx --no entail engines doctor and report what it says, or use --engine native.',
    });
  if (adapterAmong(await adaptersLeft(adapters, hardware), named) !== undefined) return;
  const hidden = adapterAmong(adapters, named);
  if (hidden === undefined) throw noAdapter(named, adapters);
  throw new StudioError('ENGINE_MISSING', `CUDA_VISIBLE_DEVICES hides the GPU ${hidden.name}.`, {
    nextStep: 'Leave that variable out or name the GPU in it, or use --engine native.',
  });
}
