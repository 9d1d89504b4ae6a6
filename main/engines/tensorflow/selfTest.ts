/**
 * @file Node. Loads an installed TensorFlow in a child process and multiplies two matrices, with a time limit: a library
 * that aborts or hangs must not take the studio with it.
 */
import { join } from 'node:path';
import { entriesHere } from '../../entries.ts';
import type { NvidiaDriver } from '../hardware.ts';
import { runEntry } from '../runEntry.ts';
import { driverCompiles, LONGEST_COMPILING_MS } from './cudaReadiness.ts';
import { gpuTroubleIn } from './gpuTrouble.ts';
import { BINDING_FILE } from './installation.ts';

export type SelfTestResult =
  | {
      readonly ok: true;
      readonly version: string;
      readonly usesGpu: boolean;
      /** What the library said of GPUs where it uses none, a clause; null when it said nothing. */
      readonly gpuTrouble: string | null;
    }
  | { readonly ok: false; readonly problem: string };

/** Loading 0.8 GB from a cold, slow disk takes most of this. */
const SELF_TEST_TIMEOUT_MS = 120_000;

/**
 * Of an installation of that kind, on a machine with that driver. What was compiled is kept for later tests; a new driver compiles it
 * again, and the cache can be emptied.
 */
export function selfTestLimitMs(kind: 'cpu' | 'cuda', driver: NvidiaDriver | null): number {
  const compiles = kind === 'cuda' && driverCompiles(driver?.gpus ?? []);
  return compiles ? LONGEST_COMPILING_MS : SELF_TEST_TIMEOUT_MS;
}

export interface SelfTestOptions {
  readonly signal?: AbortSignal;
  /** Two minutes when absent. */
  readonly timeoutMs?: number;
}

/** Why it uses no GPU the library tells only with its warnings; this process's output is read by us alone. */
const TALKATIVE = { TF_CPP_MIN_LOG_LEVEL: '0' };

/** @param environment what `tensorflowEnvironment` gives for this installation */
export async function selfTest(
  folder: string,
  environment: Readonly<Record<string, string>>,
  { signal, timeoutMs = SELF_TEST_TIMEOUT_MS }: SelfTestOptions = {},
): Promise<SelfTestResult> {
  const words = [join(folder, BINDING_FILE)];
  const outcome = await runEntry(entriesHere().path('selfTest'), words, {
    timeoutMs,
    environment: { ...environment, ...TALKATIVE },
    ...(signal === undefined ? {} : { signal }),
  });
  if (outcome.timedOut) return { ok: false, problem: `it did not answer within ${timeoutMs / 1000} s` };
  if (outcome.exitCode !== 0)
    return { ok: false, problem: `the test process ended early: ${firstError(outcome.stderr)}` };
  return answer(outcome.stdout, outcome.stderr);
}

function answer(stdout: string, stderr: string): SelfTestResult {
  const line = stdout.trim().split('\n').at(-1) ?? '';
  let said: { values: number[]; version: string; usesGpu: boolean };
  try {
    said = JSON.parse(line);
  } catch {
    return { ok: false, problem: `the test process said something unexpected: ${line.slice(0, 200)}` };
  }
  if (said.values.join() !== '7,10,15,22')
    return { ok: false, problem: `a product of two matrices came out wrong: ${said.values.join(', ')}` };
  const { version, usesGpu } = said;
  return { ok: true, version, usesGpu, gpuTrouble: usesGpu ? null : gpuTroubleIn(stderr) };
}

/** What the library writes whatever its log level, "round-off errors" included, and that tells a person nothing. */
const NOISE = /^(I\d{4} |WARNING: All log messages before)/;

function firstError(stderr: string): string {
  const lines = stderr.split('\n').filter((row) => row.trim() !== '' && !NOISE.test(row));
  const line = lines.find((row) => /error|cannot|fatal|abort/i.test(row)) ?? lines.at(-1);
  return (line ?? 'it said nothing').trim().slice(0, 400);
}
