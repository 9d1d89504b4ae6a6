/** @file Benchmarks. Runs one program once, in a process of its own, and reads the JSON line that it prints. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { workerEnvironment } from '../../main/engines/registry.ts';
import { sharedPath } from '../support/sharedData.ts';
import type { EngineFigures, EngineRequest } from './engineChild.ts';

const run = promisify(execFile);
const ENGINE_CHILD = fileURLToPath(new URL('./engineChild.ts', import.meta.url));

/** The last line of a program's output, parsed. */
async function lastJsonLine(
  command: string,
  words: readonly string[],
  environment: Record<string, string> = {},
): Promise<unknown> {
  const { stdout } = await run(command, [...words], {
    env: { ...process.env, ...environment },
    maxBuffer: 1 << 24,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

export async function measureEngine(request: EngineRequest): Promise<EngineFigures> {
  const { engine, dataDirectory, threads } = request;
  const environment = workerEnvironment(engine, { dataDirectory, threads });
  return (await lastJsonLine(
    process.execPath,
    [ENGINE_CHILD, JSON.stringify(request)],
    environment,
  )) as EngineFigures;
}

export type PeerMode = 'padded' | 'bucket' | 'bucket_cls';

/** Path of the script that runs PyTorch, or null where it is not at hand. */
export function peerScript(): string | null {
  const script = sharedPath('tools', 'peer_torch.sh');
  return existsSync(script) ? script : null;
}

/** The book's model in PyTorch; installs PyTorch in an environment of its own the first time. */
export async function measurePeer(
  script: string,
  mode: PeerMode,
  { steps, threads, tuned }: { steps: number; threads: number; tuned: boolean },
): Promise<{ program: string; pairsPerSecond: number }> {
  const words = [script, ...(tuned ? ['tuned'] : []), mode, String(steps), String(threads)];
  const { pairs_per_s: pairsPerSecond } = (await lastJsonLine('bash', words)) as { pairs_per_s: number };
  return { program: `torch ${mode}${tuned ? ' (malloc tuned)' : ''}`, pairsPerSecond };
}
