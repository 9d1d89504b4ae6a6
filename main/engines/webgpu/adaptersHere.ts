/** @file Node. The adapters of this machine, looked at in a child process with a time limit. */
import { entriesHere } from '../../entries.ts';
import { runEntry } from '../runEntry.ts';
import { byName } from './adapters.ts';
import type { AdapterFacts } from './adaptersProgram.ts';

export type { AdapterFacts } from './adaptersProgram.ts';

export interface AdaptersHere {
  /** GPUs before software. */
  readonly adapters: readonly AdapterFacts[];
  /** What keeps the child from looking; null when it looked. */
  readonly problem: string | null;
  /** Whether Vulkan's loader was found, on systems where Dawn needs it. */
  readonly hasVulkanLoader: boolean;
}

/** A driver's first start compiles its own things. */
const TIMEOUT_MS = 60_000;

/** Never throws. */
export async function adaptersHere(
  environment: Readonly<Record<string, string>> = {},
): Promise<AdaptersHere> {
  const { timedOut, exitCode, stdout, stderr } = await runEntry(entriesHere().path('adapters'), [], {
    timeoutMs: TIMEOUT_MS,
    environment,
  });
  const hasVulkanLoader = !stderr.includes("Couldn't load Vulkan");
  const nothing = (problem: string): AdaptersHere => ({ adapters: [], problem, hasVulkanLoader });
  if (timedOut) return nothing(`the driver did not answer within ${TIMEOUT_MS / 1000} s`);
  if (exitCode !== 0) return nothing(stderr.trim().split('\n').at(-1) || 'the test process ended early');
  try {
    return {
      adapters: JSON.parse(stdout.trim().split('\n').at(-1) ?? ''),
      problem: null,
      hasVulkanLoader,
    };
  } catch {
    return nothing(`the test process said something unexpected: ${stdout.slice(0, 200)}`);
  }
}

/** The one that the engine takes: by part of its name, else the first GPU. */
export function adapterAmong(
  adapters: readonly AdapterFacts[],
  named: string | undefined,
): AdapterFacts | undefined {
  if (named === undefined) return adapters.find(({ isSoftware }) => !isSoftware);
  return byName(adapters, named);
}
