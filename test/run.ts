/**
 * @file Runs under Node. The project's tests: `npm test` runs every quick step, `npm run test:slow` the slow one.
 * `test/run.ts [STEP …]` runs the named steps; what follows `--` goes to the last step's tool.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestSummary } from './support/testSummary.ts';

const ROOT = dirname(import.meta.dirname);
/** Where .ci/run collects what was counted; by hand it is a temporary folder. */
const SUMMARY_FOLDER = process.env['ENTAIL_TEST_SUMMARIES'];
/** .ci/run sets it: then every test must really run. */
const NO_SKIPS = process.env['ENTAIL_NO_SKIPS'] === '1';
/**
 * But for these: PyTorch is several gigabytes, and only peers that are there anyway are asked (test/support/pythonWith.ts); and
 * no adapter in software has half precision.
 */
const MAY_SKIP = /^(no Python with torch|this adapter has no half precision)\b/;

interface Step {
  readonly what: string;
  /** npm package, its binary's name, and the arguments. */
  readonly tool: readonly [string, string];
  readonly args: readonly string[];
  /** True when the tool is vitest and leaves a summary. */
  readonly counts: boolean;
}

const reporters = ['--reporter=default', `--reporter=${join(ROOT, 'test', 'support', 'summaryReporter.ts')}`];

const STEPS: ReadonlyMap<string, Step> = new Map([
  [
    'lint',
    { what: 'format and lint', tool: ['@biomejs/biome', 'biome'], args: ['check', '.'], counts: false },
  ],
  ['types', { what: 'types', tool: ['typescript', 'tsc'], args: ['--noEmit'], counts: false }],
  [
    'pages',
    {
      what: 'types of pages',
      tool: ['svelte-check', 'svelte-check'],
      args: [
        '--tsconfig',
        'renderer/tsconfig.json',
        '--threshold',
        'warning',
        '--fail-on-warnings',
        '--output',
        'human',
      ],
      counts: false,
    },
  ],
  [
    'fences',
    {
      what: 'fences between folders',
      tool: ['dependency-cruiser', 'depcruise'],
      args: [
        '--config',
        '.dependency-cruiser.cjs',
        '--output-type',
        'err',
        'main',
        'shared',
        'renderer',
        'test',
      ],
      counts: false,
    },
  ],
  [
    'unused',
    { what: 'unused code and packages', tool: ['knip', 'knip'], args: ['--no-progress'], counts: false },
  ],
  ['unit', { what: 'tests', tool: ['vitest', 'vitest'], args: ['run', ...reporters], counts: true }],
  [
    'slow',
    {
      what: 'slow tests',
      tool: ['vitest', 'vitest'],
      args: ['run', '--config', 'vitest.slow.config.ts', ...reporters],
      counts: true,
    },
  ],
]);
const QUICK_STEPS = ['lint', 'types', 'pages', 'fences', 'unused', 'unit'];

interface Outcome {
  readonly what: string;
  readonly ok: boolean;
  readonly seconds: number;
  readonly summary: TestSummary | null;
}

/** Path of a package's binary, so that it runs under this Node whatever `node` means in the caller's PATH. */
function binaryPath([packageName, binary]: readonly [string, string]): string {
  const folder = join(ROOT, 'node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>;
  };
  const path = typeof bin === 'string' ? bin : bin[binary];
  if (path === undefined) throw new Error(`${packageName} has no binary called ${binary}`);
  return join(folder, path);
}

async function runStep(name: string, step: Step, extra: readonly string[]): Promise<Outcome> {
  console.log(`\n== ${step.what}`);
  const started = performance.now();
  const folder = SUMMARY_FOLDER ?? mkdtempSync(join(tmpdir(), 'entail-tests-'));
  mkdirSync(folder, { recursive: true });
  const summaryPath = join(folder, `${name}.json`);
  const child = spawn(process.execPath, [binaryPath(step.tool), ...step.args, ...extra], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ENTAIL_TEST_SUMMARY: summaryPath },
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const summary =
    step.counts && existsSync(summaryPath)
      ? (JSON.parse(readFileSync(summaryPath, 'utf8')) as TestSummary)
      : null;
  if (SUMMARY_FOLDER === undefined) rmSync(folder, { recursive: true, force: true });
  const ok = code === 0 && !(step.counts && summary === null) && !hasForbiddenSkips(summary);
  return { what: step.what, ok, seconds: (performance.now() - started) / 1000, summary };
}

function hasForbiddenSkips(summary: TestSummary | null): boolean {
  return NO_SKIPS && (summary?.skipped ?? []).some(({ reason }) => !MAY_SKIP.test(reason));
}

/** One line a file and reason, so that an absent engine is one line and not forty. */
function skipLines(summary: TestSummary): string[] {
  const counts = new Map<string, number>();
  for (const { file, reason } of summary.skipped) {
    const where = `${file}: ${reason}`;
    counts.set(where, (counts.get(where) ?? 0) + 1);
  }
  return [...counts].map(([where, count]) => `   skipped ${count} in ${where}`);
}

function report(outcomes: readonly Outcome[]): void {
  console.log('\n== summary');
  for (const { what, ok, seconds, summary } of outcomes) {
    const counted =
      summary === null
        ? ''
        : `: ${summary.passed} passed, ${summary.failed} failed, ${summary.skipped.length} skipped`;
    console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}${counted} (${seconds.toFixed(0)} s)`);
    if (summary !== null) for (const line of skipLines(summary)) console.log(line);
  }
  if (outcomes.some(({ summary }) => hasForbiddenSkips(summary))) {
    console.log('no test may be skipped here (ENTAIL_NO_SKIPS=1)');
  }
}

/** The sum over every summary in ENTAIL_TEST_SUMMARIES, on a line of its own: the last words of .ci/run. */
function printTotal(): boolean {
  let passed = 0;
  let failed = 0;
  for (const name of ['unit', 'slow']) {
    const path = join(SUMMARY_FOLDER ?? '', `${name}.json`);
    if (SUMMARY_FOLDER === undefined || !existsSync(path)) failed += 1;
    else {
      const summary = JSON.parse(readFileSync(path, 'utf8')) as TestSummary;
      passed += summary.passed;
      failed += summary.failed;
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0;
}

async function main(args: readonly string[]): Promise<number> {
  const cut = args.indexOf('--');
  const names = (cut === -1 ? args : args.slice(0, cut)).slice();
  const extra = cut === -1 ? [] : args.slice(cut + 1);
  if (names[0] === 'total') return printTotal() ? 0 : 1;
  const chosen = names.length === 0 ? QUICK_STEPS : names;
  const unknown = chosen.find((name) => !STEPS.has(name));
  if (unknown !== undefined) {
    console.error(`error: there is no step called "${unknown}"; there are ${[...STEPS.keys()].join(', ')}`);
    return 2;
  }
  const outcomes: Outcome[] = [];
  for (const [index, name] of chosen.entries()) {
    const step = STEPS.get(name)!;
    outcomes.push(await runStep(name, step, index === chosen.length - 1 ? extra : []));
  }
  report(outcomes);
  return outcomes.every(({ ok }) => ok) ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
