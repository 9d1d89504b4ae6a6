/**
 * @file Benchmarks. `npm run bench`: training pairs a second of every engine present and of PyTorch, interleaved in one
 * run, so that a machine whose speed drifts is unfair to all alike. Compare ratios, not single figures.
 */
import { availableParallelism } from 'node:os';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { listInstallations } from '../../main/engines/tensorflow/installation.ts';
import { chooseDataDirectory } from '../../main/studio/dataDirectory.ts';
import { ENGINE_NAMES, type EngineName } from '../../shared/engines.ts';
import type { EngineFigures } from './engineChild.ts';
import { measureEngine, measurePeer, type PeerMode, peerScript } from './measure.ts';

const HELP = `Measures training speed on the book's sizes (bert.small, 60,005 words, batches of 512 pairs).

Usage: npm run -s bench -- [options]
  --engine NAME         only this engine (and no PyTorch)
  --rounds N            times each program is measured, in turn (default 3)
  --steps N             steps a measurement, after one to warm up (default 3)
  --threads N           threads (default: all processors)
  --micro-batch-tokens N
  --no-peer             leave PyTorch out
  --json                one JSON object on stdout

Examples:
  npm run bench
  npm run -s bench -- --engine wasm --json
`;

interface Measured {
  readonly program: string;
  readonly pairsPerSecond: readonly number[];
  readonly last: EngineFigures | null;
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Words that are not understood: said in a sentence, not as a stack trace. */
class UsageError extends Error {}

function options() {
  const { values } = parsed({
    options: {
      engine: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      steps: { type: 'string', default: '3' },
      threads: { type: 'string', default: String(availableParallelism()) },
      'micro-batch-tokens': { type: 'string' },
      'no-peer': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return values;
}

/** @throws UsageError for options that are not known. */
function parsed<const Config extends ParseArgsConfig>(config: Config) {
  try {
    return parseArgs(config);
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function presentEngines(asked: string | undefined, dataDirectory: string): EngineName[] {
  if (asked !== undefined) {
    if (!(ENGINE_NAMES as readonly string[]).includes(asked))
      throw new UsageError(`There is no engine called "${asked}"; there are ${ENGINE_NAMES.join(', ')}.`);
    return [asked as EngineName];
  }
  return listInstallations(dataDirectory).length > 0 ? ['tensorflow', 'wasm'] : ['wasm'];
}

async function main(): Promise<void> {
  const chosen = options();
  if (chosen.help) return console.log(HELP);
  const dataDirectory = chooseDataDirectory(null, process.env);
  const [rounds, steps, threads] = [chosen.rounds, chosen.steps, chosen.threads].map(Number) as [
    number,
    number,
    number,
  ];
  for (const [name, count] of Object.entries({ rounds, steps, threads }))
    if (!Number.isInteger(count) || count < 1)
      throw new UsageError(`--${name} must be a whole number from 1 on.`);
  const microBatchTokens =
    chosen['micro-batch-tokens'] === undefined ? null : Number(chosen['micro-batch-tokens']);
  const programs: (() => Promise<{ program: string; pairsPerSecond: number }>)[] = presentEngines(
    chosen.engine,
    dataDirectory,
  ).map((engine) => () => measureEngine({ engine, dataDirectory, threads, steps, microBatchTokens }));
  const script = chosen['no-peer'] || chosen.engine !== undefined ? null : peerScript();
  if (script !== null)
    for (const [mode, tuned] of [
      ['padded', false],
      ['padded', true],
      ['bucket_cls', true],
    ] as [PeerMode, boolean][])
      programs.push(() => measurePeer(script, mode, { steps, threads, tuned }));
  const measured = new Map<string, Measured>();
  for (let round = 0; round < rounds; round++) {
    for (const program of programs) {
      const figures = await program();
      const before = measured.get(figures.program)?.pairsPerSecond ?? [];
      const last = 'evaluatedShare' in figures ? (figures as EngineFigures) : null;
      measured.set(figures.program, {
        program: figures.program,
        pairsPerSecond: [...before, figures.pairsPerSecond],
        last,
      });
      if (!chosen.json)
        console.error(`round ${round + 1}: ${figures.program} ${figures.pairsPerSecond.toFixed(1)} pairs/s`);
    }
  }
  if (chosen.json) printJson([...measured.values()]);
  else printTable([...measured.values()]);
}

function printJson(all: readonly Measured[]): void {
  const rows = all.map(({ program, pairsPerSecond, last }) => ({
    ...last,
    program,
    pairsPerSecond: median(pairsPerSecond),
    least: Math.min(...pairsPerSecond),
    most: Math.max(...pairsPerSecond),
  }));
  console.log(
    JSON.stringify(rows.length === 1 ? rows[0] : { pairsPerSecond: rows[0]!.pairsPerSecond, programs: rows }),
  );
}

function printTable(all: readonly Measured[]): void {
  const padded = all.find(({ program }) => program === 'torch padded');
  console.log(
    'program                       pairs/s   least    most   × torch padded   evaluated/trained   batching',
  );
  for (const { program, pairsPerSecond, last } of all) {
    const middle = median(pairsPerSecond);
    const ratio = padded === undefined ? '–' : (middle / median(padded.pairsPerSecond)).toFixed(2);
    const figures = [middle, Math.min(...pairsPerSecond), Math.max(...pairsPerSecond)].map((value) =>
      value.toFixed(1).padStart(7),
    );
    const shares =
      last === null
        ? ''
        : `${last.evaluatedShare.toFixed(2).padStart(19)}${(last.batchingShare * 100).toFixed(2).padStart(10)} %`;
    console.log(`${program.padEnd(28)} ${figures.join(' ')} ${ratio.padStart(16)} ${shares}`);
  }
}

try {
  await main();
} catch (thrown) {
  if (!(thrown instanceof UsageError)) throw thrown;
  console.error(`error: ${thrown.message}\n\n${HELP}`);
  process.exitCode = 2;
}
