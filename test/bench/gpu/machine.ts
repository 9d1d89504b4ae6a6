/** @file Benchmarks. The machine that figures belong to. */
import { cpus, release, totalmem } from 'node:os';
import { nvidiaDriver } from '../../../main/engines/hardware.ts';

export interface Machine {
  readonly date: string;
  readonly gpus: readonly string[];
  readonly driver: string | null;
  readonly processor: string;
  readonly processors: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
}

export async function describeMachine(): Promise<Machine> {
  const nvidia = await nvidiaDriver();
  const all = cpus();
  return {
    date: new Date().toISOString(),
    gpus: (nvidia?.gpus ?? []).map(({ name, memoryBytes }) =>
      memoryBytes === null ? name : `${name}, ${Math.round(memoryBytes / 2 ** 30)} GiB`,
    ),
    driver: nvidia?.version ?? null,
    processor: all[0]?.model.trim() ?? process.arch,
    ...{ processors: all.length, memoryGib: Math.round(totalmem() / 2 ** 30), kernel: release() },
    node: process.version,
  };
}
