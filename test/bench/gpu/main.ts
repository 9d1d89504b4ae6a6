/**
 * @file Benchmarks. `npm run -s bench:gpu -- pack OUT`: makes the one file that measures training on another machine's GPU.
 * That machine needs Linux on x86-64 and an NVIDIA driver, and for PyTorch's rows a python3 that has it; nothing else.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { layOut } from './contents.ts';
import { type Compression, writeSelfExtracting } from './selfExtracting.ts';

const HELP = `Packs what measures training on a GPU into one file for a bare Linux machine.

Usage: npm run -s bench:gpu -- pack OUT [options]
  OUT                   folder for entail-gpu-bench.sh
  --cuda-step FILE      the crate's step on CUDA, to be measured too: what
                        cargo bench --manifest-path native/Cargo.toml --features cuda --bench cuda_step --no-run
                        built
  --compression NAME    xz (default), or gzip: larger, but the machine then needs neither xz nor python3 to unpack
  --level N             0, fast, to 9, small (default 6)

There: sh entail-gpu-bench.sh --help
`;

const FILE_NAME = 'entail-gpu-bench.sh';

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      ...{ 'cuda-step': { type: 'string' }, compression: { type: 'string', default: 'xz' } },
      ...{ level: { type: 'string', default: '6' }, help: { type: 'boolean', default: false } },
    },
  });
  const [command, out] = positionals;
  const compression = (['xz', 'gzip'] as const).find((name) => name === values.compression);
  const isLevel = /^[0-9]$/.test(values.level);
  if (values.help || command !== 'pack' || out === undefined || compression === undefined || !isLevel) {
    process.stdout.write(HELP);
    if (!values.help) process.exitCode = 2;
    return;
  }
  await pack(resolve(out), {
    ...{ compression, level: Number(values.level), cudaStep: values['cuda-step'] ?? null },
  });
}

async function pack(
  out: string,
  options: { readonly compression: Compression; readonly level: number; readonly cudaStep: string | null },
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'entail-gpu-bench-'));
  try {
    await layOut(folder, options);
    mkdirSync(out, { recursive: true });
    const path = join(out, FILE_NAME);
    const bytes = await writeSelfExtracting(folder, path, options);
    console.log(`${path}: ${(bytes / 1e6).toFixed(1)} MB`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
