/** @file Benchmarks. Runs one program once, in a process of its own, and reads the line that it prints. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { workerEnvironment } from '../../main/engines/registry.ts';
import { sharedPath } from '../support/sharedData.ts';
import type { EngineFigures, EngineRequest } from './engineChild.ts';

const run = promisify(execFile);
const ENGINE_CHILD = fileURLToPath(new URL('./engineChild.ts', import.meta.url));

async function outputOf(
  command: string,
  words: readonly string[],
  environment: Record<string, string> = {},
): Promise<string> {
  const { stdout } = await run(command, [...words], {
    env: { ...process.env, ...environment },
    maxBuffer: 1 << 24,
  });
  return stdout.trim();
}

const lastJsonLine = (output: string): unknown => JSON.parse(output.split('\n').at(-1)!);

export async function measureEngine(request: EngineRequest): Promise<EngineFigures> {
  const { engine, dataDirectory, threads } = request;
  const environment = workerEnvironment(engine, { dataDirectory, threads });
  const output = await outputOf(process.execPath, [ENGINE_CHILD, JSON.stringify(request)], environment);
  return lastJsonLine(output) as EngineFigures;
}

/** Path of the script that runs PyTorch, or null where it is not at hand. */
export function peerScript(): string | null {
  const script = sharedPath('tools', 'peer_torch.sh');
  return existsSync(script) ? script : null;
}

export interface PeerRequest {
  readonly script: string;
  readonly mode: 'padded' | 'bucket' | 'bucket_cls';
  /** With the malloc settings that help it most. */
  readonly tuned: boolean;
  readonly steps: number;
  readonly threads: number;
  /** Options of the script: sizes, batch file, precision. */
  readonly words: readonly string[];
}

export interface PeerFigures {
  readonly pairsPerSecond: number;
  readonly peakMegabytes: number;
}

/** The book's model in PyTorch; installs PyTorch in an environment of its own the first time. */
export async function measurePeer({
  script,
  mode,
  tuned,
  steps,
  threads,
  words,
}: PeerRequest): Promise<PeerFigures> {
  const all = [
    script,
    ...(tuned ? ['tuned'] : []),
    mode,
    `${steps}`,
    `${threads}`,
    '--dropout',
    '0.1',
    ...words,
  ];
  const told = lastJsonLine(await outputOf('bash', all)) as { pairs_per_s: number; peak_mb: number };
  return { pairsPerSecond: told.pairs_per_s, peakMegabytes: told.peak_mb };
}

/** Pairs a second of a program that prints "… 1234 pairs/s …" somewhere. */
export async function measurePrinted(command: string, words: readonly string[]): Promise<number> {
  const output = await outputOf(command, words);
  const found = /([\d.]+) pairs\/s/.exec(output)?.[1];
  if (found === undefined) throw new Error(`${command} printed no "pairs/s": ${output}`);
  return Number(found);
}
