/**
 * @file Runs under Node. The devices of this machine and who uses them: runs of this data directory, other Entails by their
 * locks, other programs by what the driver says.
 */
import type { DeviceOverview, EngineDevices } from '../../shared/contract/engines.ts';
import {
  areSameChip,
  type Device,
  type DeviceHolder,
  type DevicesWish,
  PROCESSOR,
} from '../../shared/devices.ts';
import { type EngineName, OFFERED_ENGINES } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { WaitingRun } from '../db/queue.ts';
import { findRun } from '../db/runs.ts';
import { runsInWork } from '../db/runsInWork.ts';
import type { FoundTicket } from '../engines/deviceTickets.ts';
import { DriverSilent } from '../engines/driverSilent.ts';
import type { FileLock } from '../files/fileLock.ts';
import { isDescendantOf } from '../files/processIdentity.ts';
import type { Databases } from './databases.ts';
import type { DevicePlaces } from './devicePlaces.ts';
import {
  type DeviceTurn,
  deviceTurns,
  type HeldDevice,
  type WishedDevices,
  wishedDevices,
} from './deviceTurns.ts';
import type { EngineService } from './engines.ts';

const loadLocks = () => import('../engines/deviceLocks.ts');
const loadTickets = () => import('../engines/deviceTickets.ts');
const loadNvidiaSmi = () => import('../engines/nvidiaSmi.ts');

export interface DeviceSetting {
  readonly databases: Databases;
  readonly engines: EngineService;
}

type Standing = Pick<WaitingRun, 'id' | 'config' | 'devices' | 'besidePrograms'>;

export interface Sharing {
  readonly sharesProcessor: boolean;
  readonly besidePrograms?: boolean;
  /** Where whoever asks has a place of its own among those that wait. */
  readonly places?: PlacesOfRuns;
}

export interface PlacesOfRuns extends Pick<DevicePlaces, 'ticketOf'> {
  owns(ticket: FoundTicket): boolean;
}

/** Of one that does not wait: it is behind everybody who does. */
const NO_PLACES: PlacesOfRuns = { ticketOf: () => null, owns: () => false };

export class DeviceService {
  readonly #setting: DeviceSetting;

  constructor(setting: DeviceSetting) {
    this.#setting = setting;
  }

  /** Which of the waiting runs may start now, and on what; in their order. */
  async turns(waiting: readonly Standing[], places: PlacesOfRuns): Promise<DeviceTurn[]> {
    const asking = await Promise.all(
      waiting.map(async ({ id, config, devices: wish, besidePrograms }) => {
        const engine = findRun(this.#setting.databases.store(), id).engine?.engine ?? config.engine;
        const devices = await this.#knownDevicesOf(engine);
        return { run: id, engine, devices, wish, besidePrograms, ticket: places.ticketOf(id) };
      }),
    );
    // Many wait for the same few.
    const found = asking.flatMap((one) => one.devices ?? []);
    const devices = [...new Map(found.map((device) => [device.name, device])).values()];
    const held = [...(await this.#held(devices)), ...(await waitingBefore(devices, places))];
    const turns = deviceTurns(asking, held);
    return await Promise.all(
      turns.map(async ({ placement, ...turn }, at) => {
        if (!(placement instanceof StudioError)) return { placement, ...turn };
        const { engine, wish } = asking[at]!;
        return { placement: await this.#refusal(engine, wish, placement), ...turn };
      }),
    );
  }

  /**
   * What somebody who does not stand in the queue could take now.
   * @param sharesProcessor whether others may compute on it
   * @param besidePrograms whether programs that are no Entail may compute on its GPU
   * @throws StudioError NOT_FOUND for a device that is not there; DriverSilent when that cannot be told.
   */
  async turnOf(
    engine: EngineName,
    wish: DevicesWish,
    { sharesProcessor, besidePrograms = false, places = NO_PLACES }: Sharing,
  ): Promise<DeviceTurn & { readonly placement: readonly Device[] | null }> {
    const devices = await this.#setting.engines.devices(engine);
    const isObstacle = ({ device }: HeldDevice) => device.name !== 'cpu' || !sharesProcessor;
    const held = [...(await this.#held(devices)), ...(await waitingBefore(devices, places))].filter(
      isObstacle,
    );
    const asking = { run: '', devices, wish, besidePrograms, ticket: places.ticketOf('') };
    const { placement, ...turn } = deviceTurns([asking], held)[0]!;
    if (placement instanceof StudioError) throw await this.#refusal(engine, wish, placement);
    return { placement, ...turn };
  }

  /** What cannot be told now is told when its turn comes. @throws StudioError NOT_FOUND for a device that is not there. */
  async require(engine: EngineName, wish: DevicesWish): Promise<void> {
    const devices = await this.#knownDevicesOf(engine);
    if (devices === null) return;
    const wished = wishedDevices(wish, devices);
    if (wished instanceof StudioError) throw await this.#refusal(engine, wish, wished);
  }

  /** How many devices a wish is for here. @throws StudioError NOT_FOUND for a device that is not there; DriverSilent. */
  async counts(engine: EngineName, wish: DevicesWish): Promise<Pick<WishedDevices, 'least' | 'most'>> {
    const wished = wishedDevices(wish, await this.#setting.engines.devices(engine));
    if (wished instanceof StudioError) throw await this.#refusal(engine, wish, wished);
    return { least: wished.least, most: wished.most };
  }

  /** Every device that an offered engine can compute on, which ones can, and who uses it. */
  async overview(): Promise<DeviceOverview> {
    const found = new Map<string, Device>();
    const byEngine: EngineDevices[] = [];
    for (const engine of OFFERED_ENGINES) {
      const all = (await this.#knownDevicesOf(engine)) ?? [PROCESSOR];
      // Without a GPU `webgpu` computes nowhere; that a run of it waits for the processor is all the same.
      const devices = engine === 'webgpu' ? all.filter(({ name }) => name !== 'cpu') : all;
      for (const device of devices) found.set(device.name, device);
      byEngine.push({ engine, devices: devices.map(({ name }) => name) });
    }
    const held = await this.#held([...found.values()]);
    const devices = [...found.values()].map((device) => {
      const holders = held.filter((one) => areSameChip(one.device, device)).map(({ holder }) => holder);
      return { ...device, holders };
    });
    return { devices, byEngine };
  }

  /** @throws StudioError LOCKED when another process has taken one since. */
  async lock(devices: readonly Device[], purpose: string): Promise<FileLock> {
    const { lockDevices } = await loadLocks();
    return lockDevices(devices, purpose);
  }

  /**
   * Null while a driver cannot be asked. An engine that does not work any more is no reason for others to wait: the run says
   * so when it starts.
   */
  async #knownDevicesOf(engine: EngineName | null): Promise<readonly Device[] | null> {
    const { engines } = this.#setting;
    try {
      return await engines.devices(engine ?? (await engines.best()));
    } catch (thrown) {
      return thrown instanceof DriverSilent ? null : [PROCESSOR];
    }
  }

  /** Why a wish cannot be met, as well as that can be told now. */
  async #refusal(engine: EngineName | null, wish: DevicesWish, error: StudioError): Promise<StudioError> {
    const { engines } = this.#setting;
    try {
      return await engines.refusal(engine ?? (await engines.best()), wish, error);
    } catch (thrown) {
      if (thrown instanceof StudioError) return error;
      throw thrown;
    }
  }

  async #held(devices: readonly Device[]): Promise<HeldDevice[]> {
    const byRuns = runsInWork(this.#setting.databases.store()).flatMap(({ id, pid, devices: names }) =>
      names.map((name) => {
        const device = devices.find((one) => one.name === name) ?? { ...PROCESSOR, name };
        return { device, holder: { kind: 'run', run: id, pid } as const };
      }),
    );
    const gpus = devices.filter((device) => device.gpus.length > 0);
    const others = gpus.length === 0 ? [] : await foreignHolders(gpus);
    // What the lock or the driver says of a run's own process is said already.
    const isTold = ({ device, holder }: HeldDevice) =>
      byRuns.some((one) => areSameChip(one.device, device) && isProcessOf(holder, one.holder.pid));
    return [...byRuns, ...others.filter((one) => !isTold(one))];
  }
}

function isProcessOf(holder: DeviceHolder, pid: number): boolean {
  return (
    (holder.kind === 'process' || holder.kind === 'entail') &&
    (holder.pid === pid || isDescendantOf(holder.pid, pid))
  );
}

/** Processes that are not this one's, with the GPUs that they use. */
async function foreignHolders(gpus: readonly Device[]): Promise<HeldDevice[]> {
  const { lockHolderOf } = await loadLocks();
  const locked = gpus.flatMap((device) => {
    const found = lockHolderOf(device);
    if (found === null) return [];
    return [{ device, holder: { kind: 'entail', ...found } as const }];
  });
  const computing = await computingProcesses(gpus);
  const isTold = ({ device, holder }: HeldDevice) =>
    locked.some((one) => one.device === device && isProcessOf(holder, one.holder.pid));
  return [...locked, ...computing.filter((one) => !isTold(one))];
}

/** GPUs that Entails of other queues wait for, free or not. */
async function waitingBefore(devices: readonly Device[], places: PlacesOfRuns): Promise<HeldDevice[]> {
  const gpus = devices.flatMap((device) => device.gpus);
  if (gpus.length === 0) return [];
  const { findTickets } = await loadTickets();
  return findTickets(gpus, (ticket) => places.owns(ticket)).flatMap(({ id, gpu, pid, purpose }) =>
    devices
      .filter((device) => device.gpus.includes(gpu))
      .map((device) => ({ device, holder: { kind: 'entailBefore', pid, purpose } as const, ticket: id })),
  );
}

/** By NVIDIA's driver, which alone tells them; a model of this process's own playground is no obstacle. */
async function computingProcesses(gpus: readonly Device[]): Promise<HeldDevice[]> {
  if (gpus.every((device) => device.gpus.every((gpu) => !gpu.startsWith('GPU-')))) return [];
  const { nvidiaSmiProcesses } = await loadNvidiaSmi();
  const processes = (await nvidiaSmiProcesses()) ?? [];
  return gpus.flatMap((device) =>
    processes
      .filter(({ gpuUuid, pid }) => device.gpus.includes(gpuUuid) && !isDescendantOf(pid, process.pid))
      .map(({ pid, program }) => ({ device, holder: { kind: 'process', pid, program } as const })),
  );
}
