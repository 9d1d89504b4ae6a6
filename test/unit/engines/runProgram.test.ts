/** @file Tests. Running other programs: output, time limit, cancelling, and nothing left running. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { lastLines, runProgram } from '../../../main/engines/runProgram.ts';
import { isProcessAlive } from '../../../main/files/processIdentity.ts';
import { studioRejectionOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

afterEach(() => void vi.useRealTimers());

/** A shell that starts a child, writes the child's id to a file, and waits for it. */
const parent = (file: string) => [
  '-c',
  `sleep 600 & echo $! > ${file}.part && mv ${file}.part ${file}; wait`,
];

async function idIn(file: string): Promise<number> {
  await until(() => existsSync(file));
  return Number(readFileSync(file, 'utf8'));
}

const gone = (pid: number) => until(() => !isProcessAlive(pid, null));

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
  // The limit passes once the child is there: on a busy machine it may take longer than any limit to start.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const running = runProgram('sh', parent(file), { timeoutMs: 60_000 });
  const pid = await idIn(file);
  vi.advanceTimersByTime(59_999);
  expect(isProcessAlive(pid, null)).toBe(true);
  vi.advanceTimersByTime(1);
  expect((await running).timedOut).toBe(true);
  expect(await gone(pid)).toBe(true);
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
