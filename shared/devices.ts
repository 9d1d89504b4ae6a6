/** @file Runs anywhere. The nouns of devices: what a run is computed on, what it asks for, and who uses a device now. */

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

/** A process that computes on a device. */
export interface DeviceUser {
  readonly pid: number;
  /** Such as "python3", or what it said of itself: "run r7f3k2". */
  readonly program: string;
}

/** What a run asks for: so many of the best that are free, all of them, or these; null is one. */
export type DevicesWish = number | 'all' | readonly DeviceName[] | null;

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
