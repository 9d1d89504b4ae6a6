/** @file Benchmarks. The programs that are measured in turn: our engines, PyTorch at its best, and what is named. */
import { findNative } from '../../main/engines/native/loader.ts';
import { listInstallations } from '../../main/engines/tensorflow/installation.ts';
import { chooseDataDirectory } from '../../main/studio/dataDirectory.ts';
import type { EngineName } from '../../shared/engines.ts';
import { measureEngine, measurePeer, measurePrinted, type PeerRequest, peerScript } from './measure.ts';
import type { Figures } from './tables.ts';
import { WORKS, type WorkName } from './works.ts';

export interface BenchOptions {
  readonly work: WorkName;
  /** null: all that are there. */
  readonly engine: EngineName | null;
  readonly steps: number;
  readonly threads: number;
  readonly pairs: number;
  readonly microBatchTokens: number | null;
  readonly peer: boolean;
  readonly prototype: string | null;
  readonly profile: boolean;
}

export interface Program {
  readonly name: string;
  readonly measure: () => Promise<Figures>;
}

/** `batch`: path of the batch file that all of them train on. */
export async function programsOf(
  options: BenchOptions,
  batch: string,
  say: (line: string) => void,
): Promise<Program[]> {
  const programs = enginePrograms(options, batch);
  if (options.profile) return programs.slice(0, 1);
  const { prototype, threads, steps } = options;
  if (prototype !== null) {
    const words = [`threads=${threads}`, 'chunk=0', 'oppar=1', `steps=${steps}`];
    const measure = async () => ({ pairsPerSecond: await measurePrinted(prototype, words) });
    programs.push({ name: 'prototype (its own random pairs)', measure });
  }
  const script = options.peer && options.engine === null ? peerScript() : null;
  if (script !== null) programs.push(...(await peerPrograms(options, batch, { script, say })));
  return programs;
}

/** `native` in each precision that the processor has, then the others. */
function enginePrograms(options: BenchOptions, batch: string): Program[] {
  const { threads, steps, microBatchTokens, profile } = options;
  const dataDirectory = chooseDataDirectory(null, process.env);
  const native = findNative();
  const there: EngineName[] = [];
  if (native.kind === 'found') there.push('native');
  if (listInstallations(dataDirectory).length > 0) there.push('tensorflow');
  there.push('wasm');
  const { model } = WORKS[options.work];
  const common = { dataDirectory, threads, model, batch, steps, microBatchTokens };
  return (options.engine === null ? there : [options.engine]).flatMap((engine) => {
    const one = (precision: 'fp32' | 'bf16'): Program => ({
      name: precision === 'fp32' ? engine : `${engine} ${precision}`,
      measure: () => measureEngine({ ...common, engine, precision, profile }),
    });
    const halves = engine === 'native' && native.kind === 'found' && native.binding.describe().bf16;
    return [one('fp32'), ...(halves ? [one('bf16')] : [])];
  });
}

const MICRO_BATCHES = [1, 2, 4, 8];

/** Padded as the book does it, and at its best in each precision: which way that is is found out first. */
async function peerPrograms(
  { work, steps, threads }: BenchOptions,
  batch: string,
  { script, say }: { readonly script: string; readonly say: (line: string) => void },
): Promise<Program[]> {
  const sizes = ['--batch', batch, ...WORKS[work].peerWords];
  const common = { script, steps, threads } as const;
  const tuned = { ...common, mode: 'bucket_cls', tuned: true } as const;
  const programs: Program[] = [
    {
      name: 'torch padded, as the book',
      measure: () => measurePeer({ ...common, mode: 'padded', tuned: false, words: sizes }),
    },
  ];
  for (const precision of [[], ['--bf16']]) {
    const best = await bestOf(
      MICRO_BATCHES.flatMap((count) =>
        [[], ['--fused-adam']].map((adam) => ({
          ...tuned,
          words: [...sizes, ...precision, '--micro-batches', `${count}`, ...adam],
        })),
      ),
      say,
    );
    const evaluating = await bestOf(
      MICRO_BATCHES.map((count) => ({
        ...tuned,
        words: [...sizes, ...precision, '--micro-batches', `${count}`, '--eval'],
      })),
      say,
    );
    const name = ['torch at its best', ...precision.map(() => 'bf16')].join(' ');
    for (const { words } of [best, evaluating]) say(`${name}: ${words.slice(sizes.length).join(' ')}`);
    programs.push({
      name,
      measure: async () => {
        const trained = await measurePeer(best);
        const evaluated = await measurePeer(evaluating);
        return { ...trained, evaluatedPairsPerSecond: evaluated.pairsPerSecond };
      },
    });
  }
  return programs;
}

async function bestOf(requests: readonly PeerRequest[], say: (line: string) => void): Promise<PeerRequest> {
  let best: { request: PeerRequest; pairsPerSecond: number } | null = null;
  for (const request of requests) {
    const { pairsPerSecond } = await measurePeer(request);
    say(`torch ${request.words.slice(2).join(' ')}: ${pairsPerSecond.toFixed(1)} pairs/s`);
    if (best === null || pairsPerSecond > best.pairsPerSecond) best = { request, pairsPerSecond };
  }
  return best!.request;
}
