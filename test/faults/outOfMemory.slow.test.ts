/** @file Tests. Memory that the system refuses at the first step: named, with a micro-batch that is smaller than what was tried. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { samplePath } from '../../main/studio/sampleDataset.ts';
import { engineForTests } from '../support/enginesForTests.ts';
import { jsonLines, runEntail } from '../support/runEntail.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

/** Of addresses, for each process: Node itself takes most of them, and the network below more than the rest. */
const LIMIT_KIB = 12_000_000;
const LAUNCHER = join(dirname(dirname(import.meta.dirname)), 'bin', 'entail.js');
/** Sixty-four KiB a token in its middle layer; the others compute on fewer rows. */
const WIDE = ['--size', 'free', '--layers', '3', '--hidden', '4', '--heads', '1', '--feed-forward', '16384'];

it('native says so, and offers half of the largest micro-batch', async ({ skip }) => {
  if (process.platform !== 'linux') skip('only Linux limits the addresses of a process');
  engineForTests('native', skip);
  const home = temporaryFolder();
  const imported = await runEntail(['datasets', 'import', samplePath(), '--name', 'pairs'], { home });
  expect(imported.code).toBe(0);
  const train = ['train', '--dataset', 'pairs', '--engine', 'native', '--batch-size', '16384', '--json'];
  const words = [...train, '--micro-batch-tokens', '1048576', '--epochs', '1', ...WIDE];
  const limited = (given: readonly string[]) =>
    spawnSync('sh', ['-c', `ulimit -v ${LIMIT_KIB}; exec "$0" "$@"`, process.execPath, LAUNCHER, ...given], {
      env: { ...process.env, ENTAIL_HOME: home },
      encoding: 'utf8',
    });
  const { stdout } = limited(words);
  const error = jsonLines(stdout).at(-1)!;
  expect(error).toMatchObject({ event: 'error', code: 'OUT_OF_MEMORY' });
  const [, tokens] = /--micro-batch-tokens (\d+)/.exec(String(error['nextStep'])) ?? [];
  // 15,104 pairs of some fourteen tokens: half of what was allowed would change nothing.
  expect(Number(tokens)).toBeGreaterThan(50_000);
  expect(Number(tokens)).toBeLessThan(150_000);

  // The button of the run's page takes what is stored.
  const [, run] = /runs resume (\w+)/.exec(String(error['nextStep'])) ?? [];
  const shown = await runEntail(['runs', 'show', String(run), '--json'], { home });
  const offer = { microBatchTokens: Number(tokens) };
  expect(JSON.parse(shown.stdout)).toMatchObject({ error: { code: 'OUT_OF_MEMORY', offer } });

  // What it says to do is done, word by word; where half does not suffice either, it offers half of that.
  let said = String(error['nextStep']);
  for (let tries = 0; tries < 4; tries++) {
    const resume = said.slice(said.indexOf('runs resume')).split(' ');
    const resumed = limited([...resume, '--json']);
    const last = jsonLines(resumed.stdout).at(-1)!;
    if (resumed.status === 0) return expect(last).toMatchObject({ event: 'result' });
    expect(last).toMatchObject({ event: 'error', code: 'OUT_OF_MEMORY' });
    said = String(last['nextStep']);
  }
  expect.unreachable('an eighth of the tokens fits');
});
