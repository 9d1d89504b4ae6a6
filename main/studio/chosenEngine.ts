/** @file Runs under Node. The engine that a run is trained with: chosen, checked, and given what its workers need. */
import type { Device } from '../../shared/devices.ts';
import type { EngineName } from '../../shared/engines.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import { defaultThreads, dividedThreads } from '../engines/hardware.ts';
import type { ChosenEngine } from './attempt.ts';
import type { EngineService } from './engines.ts';

/** @throws StudioError ENGINE_MISSING when the engine, or any, does not work here; USAGE when not as the run wishes. */
export async function checkedEngine(
  engines: EngineService,
  asked: EngineName | null,
  hyperparameters: Hyperparameters,
): Promise<EngineName> {
  const name = await engines.choose(asked);
  await engines.check(name, hyperparameters);
  return name;
}

/** @param devices a worker each */
export async function engineOn(
  engines: EngineService,
  { name, threads }: Pick<ChosenEngine, 'name' | 'threads'>,
  devices: readonly Device[],
): Promise<ChosenEngine> {
  const names = devices.map((device) => device.name);
  const sharers = names.filter((device) => device === 'cpu').length;
  // Workers that share the processor divide its threads; each finds its own number when it starts.
  const own = sharers > 1 ? dividedThreads(threads ?? defaultThreads(), sharers) : threads;
  const environments = await Promise.all(
    devices.map((device) => engines.workerEnvironment(name, { threads: own, device })),
  );
  return { name, threads, devices: names, environments };
}
