/**
 * @file Benchmarks. `npm run bench`: training pairs a second of every engine present and of PyTorch at its best,
 * interleaved in one run, so that a machine whose speed drifts is unfair to all alike. Compare ratios, not figures.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { findNative } from '../../main/engines/native/loader.ts';
import { usualThreads } from '../../main/engines/native.ts';
import { chooseDataDirectory } from '../../main/studio/dataDirectory.ts';
import { ENGINE_NAMES, type EngineName } from '../../shared/engines.ts';
import { type BenchOptions, type Program, programsOf } from './programs.ts';
import { measureScaling, printScaling } from './scaling.ts';
import { printProfile, printTable, type Row, rowOf } from './tables.ts';
import { WORKS, type WorkName, writeBatch } from './works.ts';

const HELP = `Measures training speed on one batch of pairs, forward, backward and Adam, and evaluation.

Usage: npm run -s bench -- [options]
  --work NAME           ${Object.keys(WORKS).join(', ')} (default book: bert.small, 60,005 words, 512 pairs)
  --engine NAME         only this engine (and no PyTorch)
  --rounds N            times each program is measured, in turn (default 3)
  --steps N             steps a measurement, after one to warm up (default 5)
  --threads N           threads (default: all physical cores)
  --pairs N             pairs in the batch (default: the work's)
  --micro-batch-tokens N
  --no-peer             leave PyTorch out
  --prototype PROGRAM   a program that prints "N pairs/s", measured beside the others
  --profile             time by kernel of native (or of tensorflow, with --engine), and no other program
  --scaling             how native's step grows with threads, pairs, length and width (of the work book)
  --json                one JSON object on stdout

Examples:
  npm run bench
  npm run -s bench -- --engine wasm --json
  npm run -s bench -- --profile
  npm run -s bench -- --scaling --rounds 3
`;

/** Words that are not understood: said in a sentence, not as a stack trace. */
class UsageError extends Error {}

/** @throws UsageError for options that are not known. */
function parsed<const Config extends ParseArgsConfig>(config: Config) {
  try {
    return parseArgs(config);
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** Processors of a machine often share a core: what is left to the engine is its own choice of threads. */
function physicalCores(): number {
  const search = findNative();
  if (search.kind === 'missing')
    throw new UsageError('Build the engine native first (npm run native), or say --threads.');
  return usualThreads(search.binding.describe());
}

function oneOf<Name extends string>(flag: string, given: string, known: readonly Name[]): Name {
  const found = known.find((name) => name === given);
  if (found === undefined)
    throw new UsageError(`--${flag} is one of ${known.join(', ')}; "${given}" is not.`);
  return found;
}

function options(): BenchOptions & { scaling: boolean; json: boolean; rounds: number; help: boolean } {
  const { values } = parsed({
    options: {
      ...{ work: { type: 'string', default: 'book' }, engine: { type: 'string' } },
      ...{ rounds: { type: 'string', default: '3' }, steps: { type: 'string', default: '5' } },
      ...{ threads: { type: 'string' }, pairs: { type: 'string' }, 'micro-batch-tokens': { type: 'string' } },
      ...{ 'no-peer': { type: 'boolean', default: false }, prototype: { type: 'string' } },
      ...{ profile: { type: 'boolean', default: false }, scaling: { type: 'boolean', default: false } },
      ...{ json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    },
  });
  const count = (
    flag: 'rounds' | 'steps' | 'threads' | 'pairs' | 'micro-batch-tokens',
    none: () => number,
  ) => {
    const value = values[flag] === undefined ? none() : Number(values[flag]);
    if (!Number.isInteger(value) || value < 1)
      throw new UsageError(`--${flag} must be a whole number from 1 on.`);
    return value;
  };
  const work = oneOf('work', values.work, Object.keys(WORKS) as WorkName[]);
  return {
    work,
    engine: values.engine === undefined ? null : oneOf<EngineName>('engine', values.engine, ENGINE_NAMES),
    rounds: count('rounds', () => 3),
    steps: count('steps', () => 5),
    threads: count('threads', physicalCores),
    pairs: count('pairs', () => WORKS[work].pairs),
    microBatchTokens:
      values['micro-batch-tokens'] === undefined ? null : count('micro-batch-tokens', () => 1),
    peer: !values['no-peer'],
    prototype: values.prototype ?? null,
    ...{ profile: values.profile, scaling: values.scaling, json: values.json, help: values.help },
  };
}

/** One after another, round by round. */
async function measureAll(
  programs: readonly Program[],
  rounds: number,
  say: (line: string) => void,
): Promise<Row[]> {
  const rows = new Map<string, Row>();
  for (let round = 1; round <= rounds; round++) {
    for (const { name, measure } of programs) {
      const figures = await measure();
      rows.set(name, rowOf(name, rows.get(name), figures));
      say(`round ${round}: ${name} ${figures.pairsPerSecond.toFixed(1)} pairs/s`);
    }
  }
  return [...rows.values()];
}

async function tellScaling(
  { threads, steps, rounds, json }: ReturnType<typeof options>,
  folder: string,
  say: (line: string) => void,
): Promise<void> {
  const search = findNative();
  if (search.kind === 'missing') throw new UsageError('Build the engine native first: npm run native.');
  const precisions = search.binding.describe().bf16 ? (['fp32', 'bf16'] as const) : (['fp32'] as const);
  const dataDirectory = chooseDataDirectory(null, process.env);
  const rows = await measureScaling({ threads, steps, rounds, precisions, dataDirectory }, folder, say);
  if (json) console.log(JSON.stringify(rows));
  else printScaling(rows);
}

async function main(): Promise<void> {
  const chosen = options();
  if (chosen.help) return void process.stdout.write(HELP);
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'entail-bench-'));
  try {
    if (chosen.scaling) return await tellScaling(chosen, folder, say);
    const batch = join(folder, 'batch.json');
    const { what } = await writeBatch(batch, chosen.pairs);
    say(`${chosen.work}: ${chosen.pairs} pairs (${what}), ${chosen.threads} threads`);
    const rows = await measureAll(await programsOf(chosen, batch, say), chosen.rounds, say);
    if (chosen.json) console.log(JSON.stringify(rows.length === 1 ? rows[0] : { programs: rows }));
    else if (chosen.profile) printProfile(rows[0]!);
    else printTable(rows);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (thrown) {
  if (!(thrown instanceof UsageError)) throw thrown;
  console.error(`error: ${thrown.message}\n\n${HELP}`);
  process.exitCode = 2;
}
