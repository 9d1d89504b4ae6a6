/** @file Tests. Running other programs: output, time limit, cancelling, and nothing left running. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lastLines, runProgram } from '../../../main/engines/runProgram.ts';
import { isProcessAlive } from '../../../main/files/processIdentity.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

/** A shell that starts a child, writes the child's id to a file, and waits for it. */
const parent = (file: string) => [
  '-c',
  `sleep 600 & echo $! > ${file}.part && mv ${file}.part ${file}; wait`,
];

async function idIn(file: string): Promise<number> {
  for (;;) {
    try {
      return Number(readFileSync(file, 'utf8'));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function gone(pid: number): Promise<boolean> {
  for (let look = 0; look < 500 && isProcessAlive(pid, null); look++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return !isProcessAlive(pid, null);
}

it('gives output and exit code, and takes no word for a shell’s', async () => {
  const outcome = await runProgram('printf', ['%s|', 'a b', '$(id)', '; false'], {});
  expect(outcome).toMatchObject({
    exitCode: 0,
    startError: null,
    timedOut: false,
    stdout: 'a b|$(id)|; false|',
  });
});

it('says why a program did not start', async () => {
  expect(await runProgram('no-such-program-here', [])).toMatchObject({
    exitCode: null,
    startError: 'ENOENT',
  });
});

it('ends a program that outlasts its limit, and what it started', async () => {
  const file = join(temporaryFolder(), 'pid');
  const outcome = await runProgram('sh', parent(file), { timeoutMs: 1_000 });
  expect(outcome.timedOut).toBe(true);
  expect(await gone(await idIn(file))).toBe(true);
});

it('ends a program when it is cancelled, and what it started', async () => {
  const file = join(temporaryFolder(), 'pid');
  const stop = new AbortController();
  const running = studioRejectionOf(runProgram('sh', parent(file), { signal: stop.signal }));
  const pid = await idIn(file);
  stop.abort();
  expect((await running).code).toBe('CANCELLED');
  expect(await gone(pid)).toBe(true);
});

it('keeps the end of long output', async () => {
  const script = 'i=0; while [ $i -lt 40000 ]; do echo 12345678901234567890; i=$((i+1)); done; echo end';
  const { stdout } = await runProgram('sh', ['-c', script]);
  expect(stdout.length).toBeLessThanOrEqual(256 * 1024);
  expect(lastLines(stdout, 1)).toBe('end');
});
