/** @file Node. The GPUs that the engine `webgpu` can compute on, as devices of a run. */
import type { Device } from '../../../shared/devices.ts';
import { adapterNamed } from './adapters.ts';
import { type AdapterFacts, adaptersHere } from './adaptersHere.ts';

/**
 * The best first; those in software only when they are named. `cuda` are the GPUs that NVIDIA's driver lists: which of
 * several of one name an adapter is, nobody says, so it may be each of them. Never throws.
 */
export async function webgpuDevices(
  cuda: readonly Device[],
  named: string | undefined = adapterNamed(),
): Promise<Device[]> {
  const { adapters } = await adaptersHere();
  return adapters
    .filter((adapter) => isWanted(adapter, named))
    .map((adapter, at) => deviceOf(adapter, at, cuda));
}

function isWanted({ name, isSoftware, lacking }: AdapterFacts, named: string | undefined): boolean {
  if (lacking.length > 0) return false;
  return named === undefined ? !isSoftware : name.toLowerCase().includes(named.toLowerCase());
}

function deviceOf({ name, driver }: AdapterFacts, at: number, cuda: readonly Device[]): Device {
  const same = cuda.filter(({ title }) => title === name);
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
