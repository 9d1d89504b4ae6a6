/** @file Tests. A run on two workers through the command line: started, stopped, resumed, queued; and what is not there refused. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { engineForTests } from '../support/enginesForTests.ts';
import { numberedPairs, writePairsCsv } from '../support/pairsCsv.ts';
import { jsonLines, onceSaid, runEntail } from '../support/runEntail.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const home = temporaryFolder();
const NETWORK = ['--size', 'free', '--layers', '1', '--hidden', '8', '--heads', '2', '--feed-forward', '8'];
const RUN = ['--dataset', 'pairs', '--engine', 'native', '--batch-size', '16', ...NETWORK];
const ON_TWO = ['--devices', 'cpu,cpu', '--threads', '2'];
const TWO = { devices: ['cpu', 'cpu'], threads: 2, device: expect.stringContaining(' × 2') };

interface ShownRun {
  readonly state: string;
  readonly engine: object;
}

async function shown(runId: string): Promise<ShownRun> {
  const { stdout } = await runEntail(['runs', 'show', runId, '--json'], { home });
  return JSON.parse(stdout) as ShownRun;
}

beforeAll(async () => {
  const path = join(temporaryFolder(), 'pairs.csv');
  writePairsCsv(path, numberedPairs(200));
  expect((await runEntail(['datasets', 'import', path, '--name', 'pairs'], { home })).code).toBe(0);
});

it('is stopped with Ctrl-C, and goes on with as many', async ({ skip }) => {
  engineForTests('native', skip);
  let sent = false;
  const stopped = await runEntail(['train', ...RUN, ...ON_TWO, '--epochs', '1000', '--json'], {
    home,
    onOutput: (stdout, child) => {
      if (sent || !/"event":"progress","step":(?:[3-9]|\d\d)/.test(stdout)) return;
      sent = true;
      child.kill('SIGINT');
    },
  });
  expect(stopped.code).toBe(130);
  const { event, runId } = jsonLines(stopped.stdout).at(-1)!;
  expect(event).toBe('stopped');
  expect(await shown(runId as string)).toMatchObject({ state: 'stopped', engine: TWO });
  const again = await runEntail(['runs', 'resume', runId as string, '--json'], {
    home,
    onOutput: onceSaid('"event":"progress"', (child: ChildProcess) => child.kill('SIGINT')),
  });
  const events = jsonLines(again.stdout);
  expect(events.find((one) => one['event'] === 'started')).toMatchObject({ engine: TWO });
});

it('is trained from the queue', async ({ skip }) => {
  engineForTests('native', skip);
  const added = await runEntail(['queue', 'add', ...RUN, ...ON_TWO, '--epochs', '1', '--json'], { home });
  expect(added.code).toBe(0);
  const { runId } = JSON.parse(added.stdout) as { runId: string };
  expect((await runEntail(['queue', 'run', '--json'], { home })).code).toBe(0);
  expect(await shown(runId)).toMatchObject({ state: 'completed', engine: TWO });
});

it.each([
  ['0', 'NOT_FOUND'],
  ['cpu,gpu', 'USAGE'],
  [new Array(17).fill('cpu').join(), 'USAGE'],
])('--devices %s is refused', async (devices, code) => {
  const { stdout } = await runEntail(['train', ...RUN, '--devices', devices, '--json'], { home });
  expect(jsonLines(stdout).at(-1)).toMatchObject({ event: 'error', code });
});
