/** @file Benchmarks. Clocks for an engine's kernels: how long each ran, and how often it was started. */
import { NativeBackend } from '../../../main/engines/native/backend.ts';
import { PassClocks } from './passClocks.ts';

export interface KernelTime {
  ms: number;
  starts: number;
}

export interface Clocks {
  /** What ran since the clocks were made, by kernel; waits until the device has done it. */
  read(): Promise<Map<string, KernelTime>>;
}

/** @throws Error for an engine that cannot tell its time by kernel */
export function clocksOf(backend: object): Clocks {
  if (backend instanceof NativeBackend) return nativeClocks(backend);
  if ('device' in backend && backend.device instanceof GPUDevice) return new PassClocks(backend.device);
  throw new Error('This engine does not tell its time by kernel.');
}

function nativeClocks(backend: NativeBackend): Clocks {
  const timings: NonNullable<NativeBackend['timings']> = new Map();
  backend.timings = timings;
  return {
    read: async () => new Map([...timings].map(([name, { ms, calls }]) => [name, { ms, starts: calls }])),
  };
}
