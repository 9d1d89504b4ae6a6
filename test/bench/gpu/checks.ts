/** @file Benchmarks. What must be right before anything is fast: programs that check an engine on this machine. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastLines, runProgram } from '../../../main/engines/runProgram.ts';
import type { Budget } from './budget.ts';
import type { Places } from './plan.ts';
import type { CheckResult } from './results.ts';

export interface Check {
  readonly name: string;
  readonly title: string;
  /** A bundled program and what it is told. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Of the whole time, for one check. */
const CHECK_SHARE = 0.3;

export interface CheckOptions {
  /** For the processes that use WebGPU. */
  readonly vulkanEnvironment: Readonly<Record<string, string>>;
  /** Else only a few fixtures: in software all of them take minutes. */
  readonly all: boolean;
}

export function plannedChecks(
  { programs }: Places,
  out: string,
  { vulkanEnvironment, all }: CheckOptions,
): Check[] {
  const goldens = (
    engine: string,
    precision: string,
    environment: Readonly<Record<string, string>>,
  ): Check => ({
    name: `goldens-${engine}-${precision}`,
    title: `golden fixtures on ${engine}, ${precision}`,
    words: [
      ...[join(programs, 'goldens.js'), engine, precision, join(out, `report-${engine}-${precision}.md`)],
      all ? 'all' : 'few',
    ],
    environment,
  });
  return [
    goldens('webgpu', 'fp32', vulkanEnvironment),
    goldens('webgpu', 'fp16', vulkanEnvironment),
    goldens('native', 'fp32', {}),
  ];
}

export async function runCheck(check: Check, budget: Budget, logs: string): Promise<CheckResult> {
  const { name, title, words, environment } = check;
  const timeoutMs = budget.shareMs(CHECK_SHARE);
  if (timeoutMs === 0) return { name, title, outcome: 'not run', seconds: 0, lastWords: 'no time was left' };
  const beganMs = performance.now();
  const outcome = await runProgram(process.execPath, words, { environment, timeoutMs });
  const { exitCode, stdout, stderr, startError, timedOut } = outcome;
  writeFileSync(join(logs, `${name}.log`), stdout + stderr);
  const ended = timedOut ? `took longer than ${(timeoutMs / 1000).toFixed(1)} s` : lastLines(stdout, 1);
  return {
    ...{ name, title, outcome: exitCode === 0 ? 'passed' : 'failed' },
    seconds: (performance.now() - beganMs) / 1000,
    lastWords: startError ?? (ended || lastLines(stderr, 2)),
  };
}
