/** @file Runs anywhere. The nouns of devices: what a run is computed on, what it asks for, and who uses a device now. */
import { z } from 'zod';

/** The processor, or a GPU by the number that its driver gives it. */
export type DeviceName = 'cpu' | `cuda:${number}` | `webgpu:${number}`;

const DEVICE_NAME = /^(cpu|(cuda|webgpu):(0|[1-9]\d{0,2}))$/;

export function isDeviceName(text: string): text is DeviceName {
  return DEVICE_NAME.test(text);
}

export interface Device {
  readonly name: DeviceName;
  /** Such as "NVIDIA H200" or "processor". */
  readonly title: string;
  /** Its own memory; null where nobody says, and for the processor. */
  readonly memoryBytes: number | null;
  /**
   * The GPUs that it can be, by a name that stays: the driver's uuid where there is one. Two devices with one in common are,
   * or may be, the same chip reached in two ways. Empty for the processor.
   */
  readonly gpus: readonly string[];
  /** Of CUDA, such as "9.0"; null where it is not known. */
  readonly computeCapability: string | null;
  /** Version of the driver; null where it is not known. */
  readonly driver: string | null;
}

/** Who keeps a device from being taken. */
export type DeviceHolder =
  /** A run of this data directory, of whichever process. */
  | { readonly kind: 'run'; readonly run: string; readonly pid: number }
  /** An Entail of this user's that no run of this data directory tells of, which says what it does: "run r7f3k2". */
  | { readonly kind: 'entail'; readonly pid: number; readonly purpose: string }
  /** One that has waited longer for it, with another queue; the device may be free. */
  | { readonly kind: 'entailBefore'; readonly pid: number; readonly purpose: string }
  /** Any other program: the only holder that a run may be told not to wait for. */
  | { readonly kind: 'process'; readonly pid: number; readonly program: string }
  /** A run that waits before it and needs it. */
  | { readonly kind: 'waiting'; readonly run: string };

/** What a run waits for. */
export interface DeviceBlock {
  readonly device: DeviceName;
  readonly holder: DeviceHolder;
}

/** True where it waits for a program that is no Entail, which may go on for ever: then a person is asked whether to. */
export function waitsForProgram(blocks: readonly DeviceBlock[]): boolean {
  return blocks.some(({ holder }) => holder.kind === 'process');
}

/** A device, and who computes on it now. */
export interface DeviceStanding extends Device {
  readonly holders: readonly DeviceHolder[];
}

/** Of one run. */
export const MOST_DEVICES = 16;

/** A device's name, or just the number of a GPU: of whichever kind the engine computes on. */
export const deviceReferenceSchema = z.string().regex(/^(cpu|((cuda|webgpu):)?(0|[1-9]\d{0,2}))$/);

/**
 * What a run asks for: so many of the best that are free (a run that goes on takes as many as before); all of one kind that
 * are free when it starts, at least one; all there are; or these. An engine's processor counts only where it has no GPU, or
 * by name.
 */
export const devicesWishSchema = z.union([
  z.number().int().min(1).max(MOST_DEVICES),
  z.enum(['free', 'all']),
  z.array(deviceReferenceSchema).min(1).max(MOST_DEVICES),
]);
export type DevicesWish = z.infer<typeof devicesWishSchema>;

/** What a run of the queue asks for that does not ask: runs then train side by side. */
export const ONE_DEVICE: DevicesWish = 1;

/** What a run asks for that a person starts without saying: as the book trains. */
export const FREE_DEVICES: DevicesWish = 'free';

export const PROCESSOR: Device = {
  name: 'cpu',
  title: 'processor',
  memoryBytes: null,
  gpus: [],
  computeCapability: null,
  driver: null,
};

/** True when two runs must not compute on them at the same time. */
export function areSameChip(one: Device, other: Device): boolean {
  return one.name === other.name || one.gpus.some((gpu) => other.gpus.includes(gpu));
}
