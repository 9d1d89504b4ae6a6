/**
 * @file Runs under Node. Devices taken for a run that a person starts without the queue: at once where they are free, else as
 * soon as they are.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Device, type DeviceBlock, type DevicesWish, waitsForProgram } from '../../shared/devices.ts';
import type { EngineName } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { Lease } from '../db/lease.ts';
import { DriverSilent } from '../engines/driverSilent.ts';
import type { FileLock } from '../files/fileLock.ts';
import type { TrainingListener } from './attempt.ts';
import { DevicePlaces } from './devicePlaces.ts';
import type { DeviceService } from './devices.ts';
import { waitingForText } from './deviceText.ts';

export interface TakenDevices {
  /** A worker each. */
  readonly devices: readonly Device[];
  /** Of the GPUs among them. */
  readonly lock: FileLock;
}

export interface TakingWish {
  readonly engine: EngineName;
  readonly wish: DevicesWish;
  /** False: a busy device is an error. */
  readonly waits: boolean;
  /** True: it starts beside a program that is no Entail, rather than wait for it. */
  readonly besidePrograms: boolean;
  /** For whoever finds a device locked: "run r7f3k2". */
  readonly purpose: string;
}

export interface TakingLinks {
  readonly listener: TrainingListener;
  readonly signal: AbortSignal | undefined;
}

const LOOK_EVERY_MS = 1000;

/** @throws StudioError NOT_FOUND for a device that is not there, LOCKED where it must not wait, CANCELLED by the signal. */
export async function takeDevices(
  service: DeviceService,
  wish: TakingWish,
  { listener, signal }: TakingLinks,
): Promise<TakenDevices> {
  const places = new DevicePlaces(() => wish.purpose);
  let told = '';
  try {
    while (signal?.aborted !== true) {
      const looked = await look(service, wish, places);
      if ('lock' in looked) return looked;
      if (looked.text !== told && looked.text !== '') {
        told = looked.text;
        listener.onReports([{ kind: 'log', level: 'info', text: told }]);
      }
      await sleep(LOOK_EVERY_MS, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    }
  } finally {
    places.leave();
  }
  throw new StudioError('CANCELLED', 'Stopped before the run began: its device was not free yet.');
}

/** The devices, or what is said of waiting for them; nothing where another process was quicker in this moment. */
async function look(
  service: DeviceService,
  { engine, wish, waits, besidePrograms, purpose }: TakingWish,
  places: DevicePlaces,
): Promise<TakenDevices | { readonly text: string }> {
  let turn: Awaited<ReturnType<DeviceService['turnOf']>>;
  try {
    turn = await service.turnOf(engine, wish, { sharesProcessor: true, besidePrograms, places });
  } catch (thrown) {
    if (waits && thrown instanceof DriverSilent) return { text: `The run ${waitingForText([])}.` };
    throw thrown;
  }
  const { placement, waitsFor } = turn;
  const lock = placement === null ? null : await lockOrNull(service, placement, purpose);
  if (placement !== null && lock !== null) return { devices: placement, lock };
  if (!waits && waitsFor.length > 0) throw busy(waitsFor);
  if (waits) await places.keep([turn]);
  return { text: waitsFor.length === 0 ? '' : `The run ${waitingForText(waitsFor)}.${besideHint(waitsFor)}` };
}

/** For a turn of the queue. @throws StudioError LOCKED when another process was quicker. */
export async function lockPlacement(
  service: DeviceService,
  devices: readonly Device[],
  purpose: string,
): Promise<TakenDevices> {
  return { devices, lock: await service.lock(devices, purpose) };
}

/** The lease of a run, with the locks of its devices: they are given up together. */
export function leaseWith(lease: Lease, lock: FileLock): Lease {
  return {
    runId: lease.runId,
    heartbeat: () => lease.heartbeat(),
    release: () => {
      try {
        lease.release();
      } finally {
        lock.release();
      }
    },
  };
}

/** Null when another process was quicker: it is named at the next look. */
async function lockOrNull(
  service: DeviceService,
  devices: readonly Device[],
  purpose: string,
): Promise<FileLock | null> {
  try {
    return await service.lock(devices, purpose);
  } catch (thrown) {
    if (thrown instanceof StudioError && thrown.code === 'LOCKED') return null;
    throw thrown;
  }
}

function busy(waitsFor: readonly DeviceBlock[]): StudioError {
  const text = waitingForText(waitsFor);
  return new StudioError('LOCKED', `Two on one device would only slow each other: the run ${text}.`, {
    nextStep: `Leave --no-wait out: it then starts as soon as it can; or name another device with --devices.${besideHint(waitsFor)}`,
  });
}

/** A notebook that is left open has its GPU for ever: whoever cannot end it can start beside it. */
function besideHint(waitsFor: readonly DeviceBlock[]): string {
  return waitsForProgram(waitsFor)
    ? ' With --beside-programs it starts beside a program that is no Entail.'
    : '';
}
