/** @file Tests. `--nice`: every thread that computes has the low priority, and without it none has. Real processes. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { engineForTests } from '../../../support/enginesForTests.ts';

const run = promisify(execFile);

/** Opens the engine, computes, and prints the niceness of the process' threads: field 19 of a stat file. */
const PROGRAM = `
  import { readdirSync, readFileSync } from 'node:fs';
  import * as tf from '@tensorflow/tfjs-core';
  const { openEngine } = await import(process.argv[1]);
  await openEngine('native', { dataDirectory: '', threads: 3, nice: process.argv[2] === 'nice' });
  const threads = () => readdirSync('/proc/self/task').map((task) => {
    const words = readFileSync('/proc/self/task/' + task + '/stat', 'utf8').split(/\\) /);
    return { name: words[0].replace(/^\\d+ \\(/, ''), niceness: Number(words[1].split(' ')[16]) };
  });
  // They start with the first work, and a busy machine lets one of them wait.
  const ready = () => {
    const computing = threads().filter(({ name }) => name.startsWith('entail-compute'));
    return computing.length === 2 && (process.argv[2] !== 'nice' || computing.every(({ niceness }) => niceness > 0));
  };
  for (const endMs = performance.now() + 40_000; performance.now() < endMs && !ready(); ) {
    await tf.matMul(tf.ones([300, 300]), tf.ones([300, 300])).data();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  console.log(JSON.stringify(threads()));
`;

async function threadsOf(word: string): Promise<{ name: string; niceness: number }[]> {
  const registry = fileURLToPath(new URL('../../../../main/engines/registry.ts', import.meta.url));
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', PROGRAM, registry, word]);
  return JSON.parse(stdout) as { name: string; niceness: number }[];
}

describe.skipIf(process.platform !== 'linux')('the threads that compute', () => {
  it('have low priority where it was asked for, and else that of the process', async ({ skip }) => {
    engineForTests('native', skip);
    const computing = async (word: string) =>
      (await threadsOf(word)).filter(({ name }) => name.startsWith('entail-compute'));
    const [nice, usual] = [await computing('nice'), await computing('usual')];
    expect(nice).toHaveLength(2);
    expect(nice.map(({ niceness }) => niceness)).toEqual([10, 10]);
    expect(usual).toHaveLength(2);
    const own = await threadsOf('usual');
    expect(new Set(usual.map(({ niceness }) => niceness))).toEqual(new Set([own[0]!.niceness]));
  });
});
