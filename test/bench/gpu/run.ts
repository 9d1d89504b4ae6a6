/**
 * @file Benchmarks. The program of the package: looks for the GPU, runs the checks, and measures all programs in turn, in a
 * given time. Findings are written as they come, so that nothing that hangs loses the rest.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { programPath } from '../../../main/files/resources.ts';
import { Budget } from './budget.ts';
import { plannedChecks, runCheck } from './checks.ts';
import { describeMachine } from './machine.ts';
import { Measuring } from './measuring.ts';
import { type Places, type Planned, plannedPrograms } from './plan.ts';
import { Results } from './results.ts';
import type { SizeName } from './sizes.ts';
import { tableText } from './table.ts';
import { findVulkan } from './vulkan.ts';

const HELP = `Measures training on this machine's GPU: our engines and PyTorch in turn, one table.

Usage: sh entail-gpu-bench.sh [options]
  --out DIR               where results.json, table.md, profile.md and logs go (default entail-gpu-bench)
  --seconds N             time for everything; what is most important comes first (default 600)
  --only NAME             only checks and programs whose name contains it (several times; --list tells the names)
  --rounds N              times each program is measured, in turn (default 3)
  --round-seconds N       how long a program trains in a round (default: a 170th of the time)
  --micro-batch-tokens N  of our engines (default: theirs)
  --python PROGRAM        the Python that has PyTorch (default python3)
  --tiny                  a tiny network instead of bert.small and bert.base, and few fixtures, to try everything out
  --list                  tell the names of checks and programs, and run none
`;

const MOST_SECONDS = 24 * 3600;
const VULKAN_SHARE = 0.2;

interface Options {
  readonly out: string;
  readonly seconds: number;
  readonly only: readonly string[];
  readonly rounds: number;
  readonly roundSeconds: number;
  readonly microBatchTokens: number | null;
  readonly python: string;
  readonly sizes: readonly SizeName[];
}

class UsageError extends Error {}

function readOptions(): Options & { readonly list: boolean; readonly help: boolean } {
  const { values } = parsedWords();
  const number = (flag: string, text: string | undefined, none: number) => {
    const value = text === undefined ? none : Number(text);
    if (!(value > 0 && value <= MOST_SECONDS)) throw new UsageError(`--${flag} must be a number above 0.`);
    return value;
  };
  const whole = (flag: string, text: string | undefined, none: number) => {
    const value = text === undefined ? none : Number(text);
    if (!Number.isInteger(value) || value < 1)
      throw new UsageError(`--${flag} must be a whole number from 1 on.`);
    return value;
  };
  const seconds = number('seconds', values.seconds, 600);
  const tokens = values['micro-batch-tokens'];
  return {
    ...{ out: resolve(values.out), only: values.only ?? [], python: values.python, seconds },
    rounds: whole('rounds', values.rounds, 3),
    roundSeconds: number('round-seconds', values['round-seconds'], seconds / 170),
    microBatchTokens: tokens === undefined ? null : whole('micro-batch-tokens', tokens, 1),
    sizes: values.tiny ? ['tiny'] : ['small', 'base'],
    ...{ list: values.list, help: values.help },
  };
}

function parsedWords() {
  try {
    return parseArgs({
      options: {
        ...{ out: { type: 'string', default: 'entail-gpu-bench' }, seconds: { type: 'string' } },
        ...{ only: { type: 'string', multiple: true }, rounds: { type: 'string' } },
        ...{ 'round-seconds': { type: 'string' }, 'micro-batch-tokens': { type: 'string' } },
        ...{ python: { type: 'string', default: 'python3' }, tiny: { type: 'boolean', default: false } },
        ...{ list: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
      },
    });
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

const say = (line: string) => void process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  const options = readOptions();
  if (options.help) return void process.stdout.write(HELP);
  const isWanted = ({ name }: { name: string }) =>
    options.only.length === 0 || options.only.some((part) => name.includes(part));
  const places = packagedPlaces();
  if (options.list) {
    const all = [...checksOf(places, options, {}), ...programsOf(places, options, {})];
    return void process.stdout.write(all.map(({ name, title }) => `${name}  ${title}\n`).join(''));
  }
  mkdirSync(join(options.out, 'logs'), { recursive: true });
  const budget = new Budget(options.seconds);
  const results = new Results(options.out);
  results.machine = await describeMachine();
  const work = { loader: programPath('loader'), work: options.out };
  const adapterProgram = join(places.programs, 'adapter.js');
  results.vulkan = await findVulkan({ ...work, adapterProgram }, () => budget.untilShareMs(VULKAN_SHARE));
  for (const { what, outcome } of results.vulkan.trials) say(`Vulkan by ${what}: ${outcome}`);
  results.write();
  const { environment } = results.vulkan;
  const programs = programsOf(places, options, environment).filter(isWanted);
  const measuring = new Measuring({ programs, results, budget, options, say });
  endWith(measuring, results);
  const checks = checksOf(places, options, environment).filter(isWanted);
  await measuring.run(options.sizes, async () => {
    for (const check of checks) {
      results.checks.push(await runCheck(check, budget, join(options.out, 'logs')));
      const { title, outcome, seconds } = results.checks.at(-1)!;
      say(`${title}: ${outcome} (${seconds.toFixed(1)} s)`);
      results.write();
    }
  });
  process.stdout.write(`\n${tableText(results)}`);
  say(`\nAll of it in ${budget.spentSeconds.toFixed(0)} s: ${options.out}`);
}

function programsOf(places: Places, options: Options, vulkanEnvironment: Record<string, string>): Planned[] {
  const { sizes, python, microBatchTokens } = options;
  return plannedPrograms(places, { sizes, python, microBatchTokens, vulkanEnvironment });
}

function checksOf(places: Places, { out, sizes }: Options, vulkanEnvironment: Record<string, string>) {
  return plannedChecks(places, out, { vulkanEnvironment, all: !sizes.includes('tiny') });
}

/** As contents.ts lays them out. */
function packagedPlaces(): Places {
  return {
    programs: dirname(process.argv[1]!),
    batches: programPath('batches'),
    peer: programPath('peer', 'peer_torch.py'),
    cudaStep: programPath('cuda', 'cuda_step'),
  };
}

/** Whoever stops this run gets what it has found, and no program stays behind. */
function endWith(measuring: Measuring, results: Results): void {
  process.once('exit', () => measuring.endAll());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      results.write();
      process.stdout.write(`\n${tableText(results)}`, () => process.exit(1));
    });
}

try {
  await main();
} catch (thrown) {
  if (!(thrown instanceof UsageError)) throw thrown;
  console.error(`error: ${thrown.message}\n\n${HELP}`);
  process.exitCode = 2;
}
