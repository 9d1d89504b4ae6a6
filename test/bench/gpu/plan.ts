/** @file Benchmarks. What a run measures and checks, the most important first: whoever runs out of time has that. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineName } from '../../../shared/engines.ts';
import { type Command, Contestant, type Measured } from './contestant.ts';
import { PrintingProgram } from './printingProgram.ts';
import { SIZES, type SizeName } from './sizes.ts';
import type { TrainerRequest } from './trainer.ts';

/** Where the unpacked package has its parts, and what the machine added. */
export interface Places {
  /** Folder of the bundled programs. */
  readonly programs: string;
  readonly batches: string;
  readonly peer: string;
  /** The crate's step on CUDA; packed only where it was built. */
  readonly cudaStep: string;
}

export interface PlanOptions {
  readonly sizes: readonly SizeName[];
  readonly python: string;
  readonly microBatchTokens: number | null;
  /** For the processes that use WebGPU. */
  readonly vulkanEnvironment: Readonly<Record<string, string>>;
}

export interface Planned {
  /** In letters, digits and hyphens: a log's name too. */
  readonly name: string;
  readonly title: string;
  readonly size: SizeName;
  /** What must be there first, when it is not. */
  readonly missing: string | null;
  make(logPath: string): Measured;
}

/** How each of PyTorch's programs is called in the table. */
const PEERS = [
  ['book', 'PyTorch as the book does it (padded to 128, fp32, Adam)'],
  ['varlen_compiled', 'PyTorch at its best (no padding, bf16, torch.compile, fused AdamW, CUDA graph)'],
  ['varlen', 'the same without compiling'],
  ['bucket_compiled', 'PyTorch at its best with SDPA (length-sorted micro-batches, compiled)'],
] as const;

export function plannedPrograms(places: Places, options: PlanOptions): Planned[] {
  return options.sizes.flatMap((size) => [
    ...ourPrograms('webgpu', ['fp32', 'fp16'], { size, places, options }),
    ...peers(size, places, options),
    ...cudaSteps(size, places),
    // The processor's time for the large network is told by `npm run bench`.
    ...(size === 'base' ? [] : ourPrograms('native', ['fp32', 'bf16'], { size, places, options })),
  ]);
}

function ourPrograms(
  engine: EngineName,
  precisions: readonly TrainerRequest['precision'][],
  { size, places, options }: { size: SizeName; places: Places; options: PlanOptions },
): Planned[] {
  return precisions.map((precision) => {
    const request: TrainerRequest = {
      ...{ engine, precision, size, threads: null, microBatchTokens: options.microBatchTokens },
      batches: join(places.batches, `${size}.json`),
    };
    const command: Command = {
      command: process.execPath,
      words: [join(places.programs, 'trainer.js'), JSON.stringify(request)],
      environment: engine === 'webgpu' ? options.vulkanEnvironment : {},
    };
    return {
      ...{ name: `${engine}-${size}-${precision}`, title: `${engine}, ${precision}`, size, missing: null },
      make: (logPath) => new Contestant(command, logPath),
    };
  });
}

function peers(size: SizeName, { peer, batches }: Places, { python }: PlanOptions): Planned[] {
  const { model } = SIZES[size];
  const numbers = { layers: model.layers, hidden: model.hidden, ffn: model.feedForward, heads: model.heads };
  const words = [
    ...['--on-demand', '--batches', join(batches, `${size}.json`)],
    ...Object.entries({ ...numbers, vocab: model.vocabularySize }).flatMap(([name, value]) => [
      `--${name}`,
      `${value}`,
    ]),
    ...(model.activation === 'gelu' ? ['--gelu'] : []),
    ...(model.embeddingNorm ? ['--embedding-norm'] : []),
  ];
  return PEERS.map(([program, title]) => ({
    ...{ name: `torch-${size}-${program.replace('_', '-')}`, title, size, missing: null },
    make: (logPath) =>
      new Contestant({ command: python, words: [peer, program, ...words], environment: {} }, logPath),
  }));
}

function cudaSteps(size: SizeName, { cudaStep }: Places): Planned[] {
  if (size === 'tiny') return [];
  const missing = existsSync(cudaStep) ? null : 'not packed (pack --cuda-step FILE)';
  return (['bf16', 'fp32'] as const).map((precision) => ({
    ...{ name: `cuda-${size}-${precision}`, title: `the crate's step on CUDA, ${precision}`, size, missing },
    make: (logPath) =>
      new PrintingProgram({ command: cudaStep, words: [size, precision], environment: {} }, logPath),
  }));
}
