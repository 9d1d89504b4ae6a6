/**
 * @file Runs in the supervisor's process. How long a first step may take without a sign of life, while nobody knows yet how
 * long one takes.
 */
import type { DeviceName } from '../../shared/devices.ts';
import { LONGEST_COMPILING_MS } from '../engines/tensorflow/cudaReadiness.ts';

/** A large network on a slow engine, on a computer that has other work. */
const FIRST_STEP_MS = 10 * 60_000;

/** On an NVIDIA GPU, inside calls that tell of nothing, its driver may compile TensorFlow's kernels first. */
export function longestFirstStepMs(devices: readonly DeviceName[]): number {
  return devices.some((device) => device.startsWith('cuda:')) ? LONGEST_COMPILING_MS : FIRST_STEP_MS;
}
