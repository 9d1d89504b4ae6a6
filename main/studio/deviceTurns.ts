/**
 * @file Runs anywhere. Which waiting runs may start now, and on what: first come, first served, a device. A run that needs
 * several takes them all at once; while it waits nobody who came later gets those of them that are free, so that it never
 * starves, and nobody holds one while waiting for another, so that nothing ever stands still. Pure functions.
 */
import {
  areSameChip,
  type Device,
  type DeviceBlock,
  type DeviceHolder,
  type DevicesWish,
} from '../../shared/devices.ts';
import { StudioError } from '../../shared/errors.ts';

export interface WaitingTurn {
  readonly run: string;
  /** What its engine can compute on, the best first; null while that cannot be told: it waits. */
  readonly devices: readonly Device[] | null;
  readonly wish: DevicesWish;
  /** Rather than wait for a program that is no Entail it computes beside it; nobody else's device is shared. */
  readonly besidePrograms: boolean;
  /** Its place among all Entails of this user, as text before those that came later; null for one that has none. */
  readonly ticket: string | null;
}

export interface HeldDevice {
  readonly device: Device;
  readonly holder: DeviceHolder;
  /** Of one that somebody waits for; it is no obstacle for a run with an older one. */
  readonly ticket?: string;
}

/** What a run is to be computed on, a worker each; or why it never can be. */
export type Placement = readonly Device[] | StudioError;

export interface DeviceTurn {
  readonly run: string;
  /** Null: not yet. */
  readonly placement: Placement | null;
  /** Empty when it may start. */
  readonly waitsFor: readonly DeviceBlock[];
  /**
   * While it waits: those that it could start on when Entails end, without a program's end. Empty where that is not enough;
   * null while it cannot be told.
   */
  readonly hopesFor: readonly Device[] | null;
}

/** @param waiting in the order of the queue */
export function deviceTurns(waiting: readonly WaitingTurn[], held: readonly HeldDevice[]): DeviceTurn[] {
  const taken = [...held];
  return waiting.map(({ run, devices, wish, besidePrograms, ticket }) => {
    if (devices === null) return { run, placement: null, waitsFor: [], hopesFor: null };
    const wished = wishedDevices(wish, devices);
    if (wished instanceof StudioError) return { run, placement: wished, waitsFor: [], hopesFor: [] };
    const before = taken.filter((one) => one.ticket === undefined || ticket === null || one.ticket < ticket);
    const { free, ...turn } = turnOf(wished, before, besidePrograms);
    const holder: DeviceHolder = { kind: 'waiting', run };
    taken.push(...(turn.placement ?? free).map((device) => ({ device, holder })));
    return { run, ...turn };
  });
}

export interface WishedDevices {
  /** In the order of preference; some may stand several times, for several workers on one. */
  readonly candidates: readonly Device[];
  /** How many of them it takes to start, … */
  readonly least: number;
  /** … and how many it takes when they are free. */
  readonly most: number;
}

/** What a wish means where an engine has these devices; a StudioError for a name that none of them has, or that stands there twice. */
export function wishedDevices(wish: DevicesWish, devices: readonly Device[]): WishedDevices | StudioError {
  const gpus = devices.filter(({ name }) => name !== 'cpu');
  const unasked = gpus.length > 0 ? gpus : devices;
  const all = unasked.length;
  if (wish === 'all') return { candidates: unasked, least: all, most: all };
  if (wish === 'free') return { candidates: unasked, least: 1, most: all };
  if (typeof wish === 'number') {
    // A run that began on more than there are now goes on with those.
    const count = Math.min(wish, all);
    return { candidates: unasked, least: count, most: count };
  }
  const candidates: Device[] = [];
  for (const reference of wish) {
    const device = devices.find(({ name }) => name === reference || name.endsWith(`:${reference}`));
    if (device === undefined) return noSuchDevice(reference, devices);
    // Several workers may share the processor; on a GPU they would only be in each other's way.
    if (device.name !== 'cpu' && candidates.includes(device)) return namedTwice(device);
    candidates.push(device);
  }
  return { candidates, least: candidates.length, most: candidates.length };
}

function namedTwice({ name }: Device): StudioError {
  return new StudioError('USAGE', `The device ${name} is named twice.`, { nextStep: 'Name it once.' });
}

function noSuchDevice(reference: string, devices: readonly Device[]): StudioError {
  const names = devices.map(({ name }) => name).join(', ');
  return new StudioError(
    'NOT_FOUND',
    `There is no device "${reference}" for this engine; there is ${names}.`,
    {
      nextStep: 'npx --no entail devices shows what there is.',
    },
  );
}

function turnOf(
  { candidates, least, most }: WishedDevices,
  taken: readonly HeldDevice[],
  besidePrograms: boolean,
): Omit<DeviceTurn, 'run'> & { readonly placement: Device[] | null; readonly free: Device[] } {
  const unused: Device[] = [];
  const shared: Device[] = [];
  const waitsFor: DeviceBlock[] = [];
  for (const device of candidates) {
    const holder = holderOf(device, taken);
    if (holder === null) unused.push(device);
    else if (besidePrograms && holder.kind === 'process') shared.push(device);
    else if (waitsFor.every((block) => block.device !== device.name))
      waitsFor.push({ device: device.name, holder });
  }
  // Two on one GPU slow each other: no more of them than it takes to start.
  const beside = shared.slice(0, Math.max(0, least - unused.length));
  const free = candidates.filter((device) => unused.includes(device) || beside.includes(device));
  if (free.length < least) {
    const isPrograms = ({ name }: Device) =>
      waitsFor.some((block) => block.device === name && isProgram(block));
    const hopes = candidates.filter((device) => !isPrograms(device));
    return { placement: null, free, waitsFor, hopesFor: hopes.length < least ? [] : hopes };
  }
  // Where a run takes what it finds, these are alike: another kind of GPU would be waited for at every step.
  const alike = least < most ? free.filter(({ title }) => title === free[0]!.title) : free;
  return { placement: alike.slice(0, most), free, waitsFor: [], hopesFor: [] };
}

const isProgram = ({ holder }: DeviceBlock): boolean => holder.kind === 'process';

/** Whoever must be waited for goes before a program, beside which a run may be started. */
function holderOf(device: Device, taken: readonly HeldDevice[]): DeviceHolder | null {
  const holders = taken.filter((one) => areSameChip(one.device, device)).map(({ holder }) => holder);
  return holders.find(({ kind }) => kind !== 'process') ?? holders[0] ?? null;
}
