/** @file Node. What nvidia-smi says of GPUs and of the processes that compute on them, read strictly. Never throws. */
import { basename } from 'node:path';
import { z } from 'zod';
import { runProgram } from './runProgram.ts';

export interface NvidiaSmiGpu {
  readonly index: number;
  /** Such as "GPU-5d2f6f0e-…": the same in every process and after a restart. */
  readonly uuid: string;
  readonly name: string;
  readonly memoryBytes: number | null;
  readonly driver: string;
  readonly computeCapability: string | null;
  /** PCI ids, as WebGPU's adapters tell them: vendor 0x10de, and the chip. */
  readonly pciDeviceId: number | null;
}

export interface NvidiaSmiProcess {
  readonly gpuUuid: string;
  readonly pid: number;
  /** Without its folder. */
  readonly program: string;
  /** Of the GPU's. */
  readonly memoryBytes: number;
}

/** A driver that hangs must not hang the studio. */
const TIMEOUT_MS = 10_000;
const MIB = 1024 * 1024;

/** nvidia-smi writes [N/A], [Not Supported] or [Unknown Error] where it does not know. */
const unknown = z.string().regex(/^\[.*\]$/);
const orNull = <Schema extends z.ZodType>(schema: Schema) => z.union([unknown.transform(() => null), schema]);
const wholeNumber = z.string().regex(/^\d+$/).transform(Number);
const uuid = z.string().regex(/^GPU-[\da-f-]+$/i);

const gpuRow = z.tuple([
  wholeNumber,
  uuid,
  z.string().min(1).max(200),
  orNull(wholeNumber),
  z.string().regex(/^\d+(\.\d+)+$/),
  orNull(z.string().regex(/^\d+\.\d+$/)),
  orNull(z.string().regex(/^0x[\da-f]{8}$/i)),
]);
const GPU_COLUMNS = 'index,uuid,name,memory.total,driver_version,compute_cap,pci.device_id';

/** Memory that is not known marks what draws a desktop, on Windows and WSL: such a process computes nothing. */
const processRow = z.tuple([uuid, wholeNumber, z.string().min(1), orNull(wholeNumber)]);
const PROCESS_COLUMNS = 'gpu_uuid,pid,process_name,used_memory';

/**
 * Why there is no answer: there is no such program; it says that it found no driver or no GPU, or another failure of its own;
 * it is late or says what it does not say, and a later answer may be a good one.
 */
export type NvidiaSmiSilence = 'missing' | 'failed' | 'unclear';

/** The GPUs by index; null where nvidia-smi is not there, fails, is late, or says what it does not say. */
export async function nvidiaSmiGpus(): Promise<NvidiaSmiGpu[] | null> {
  const gpus = await gpusOrSilence();
  return typeof gpus === 'string' ? null : gpus;
}

/** The same, or why there is no answer. */
export async function gpusOrSilence(): Promise<NvidiaSmiGpu[] | NvidiaSmiSilence> {
  const rows = await ask(`--query-gpu=${GPU_COLUMNS}`, gpuRow);
  if (typeof rows === 'string') return rows;
  return rows.map(([index, uuid, name, memoryMib, driver, computeCapability, pciIds]) => ({
    ...{ index, uuid, name, driver, computeCapability },
    memoryBytes: memoryMib === null ? null : memoryMib * MIB,
    // The chip stands in the upper half, its maker in the lower.
    pciDeviceId: pciIds === null ? null : Number(pciIds) >>> 16,
  }));
}

/** Processes that compute on a GPU, of every user; null as above. In a container others are often not to be seen. */
export async function nvidiaSmiProcesses(): Promise<NvidiaSmiProcess[] | null> {
  const rows = await ask(`--query-compute-apps=${PROCESS_COLUMNS}`, processRow);
  if (typeof rows === 'string') return null;
  return rows.flatMap(([gpuUuid, pid, path, memory]) =>
    memory === null ? [] : [{ gpuUuid, pid, program: basename(path), memoryBytes: memory * MIB }],
  );
}

async function ask<Row>(query: string, row: z.ZodType<Row>): Promise<Row[] | NvidiaSmiSilence> {
  const words = [query, '--format=csv,noheader,nounits'];
  const outcome = await runProgram('nvidia-smi', words, { timeoutMs: TIMEOUT_MS });
  const { exitCode, startError, timedOut, stdout } = outcome;
  if (startError === 'ENOENT') return 'missing';
  if (exitCode === null || timedOut) return 'unclear';
  if (exitCode !== 0) return 'failed';
  const cells = stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.split(',').map((cell) => cell.trim()));
  const parsed = z.array(row).safeParse(cells);
  return parsed.success ? parsed.data : 'unclear';
}
