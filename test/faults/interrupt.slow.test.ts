/** @file Tests. Ctrl-C and kills of the whole command line: what was done is kept, and the run goes on. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { OLDER_NODE } from '../support/olderNode.ts';
import { numberedPairs, writePairsCsv } from '../support/pairsCsv.ts';
import { jsonLines, type Ran, runEntail } from '../support/runEntail.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const home = temporaryFolder();
const NETWORK = ['--size', 'free', '--layers', '1', '--hidden', '8', '--heads', '2', '--feed-forward', '8'];
const TRAIN = ['train', '--dataset', 'pairs', '--engine', 'wasm', '--batch-size', '16', '--json', ...NETWORK];
const ENDLESS = [...TRAIN, '--epochs', '1000'];

/** Runs words, and `act`s once when the output first matches. */
function runUntil(
  words: readonly string[],
  pattern: RegExp,
  act: (stdout: string, kill: (signal: NodeJS.Signals) => void) => void,
  nodeOptions: readonly string[] = [],
) {
  let acted = false;
  return runEntail(words, {
    home,
    nodeOptions,
    onOutput: (stdout, child) => {
      if (acted || !pattern.test(stdout)) return;
      acted = true;
      act(stdout, (signal) => child.kill(signal));
    },
  });
}

const runIdIn = ({ stdout }: Pick<Ran, 'stdout'>) =>
  jsonLines(stdout.slice(0, stdout.indexOf('\n')))[0]!['runId'] as string;
/** The third step or any later one: progress is told ten times a second, not at every step. */
const TRAINING = /"event":"progress","step":(?:[3-9]|\d\d)/;

async function stateOf(runId: string): Promise<string> {
  const { stdout } = await runEntail(['runs', 'show', runId, '--json'], { home });
  return (JSON.parse(stdout) as { state: string }).state;
}

beforeAll(async () => {
  const path = join(temporaryFolder(), 'pairs.csv');
  writePairsCsv(path, numberedPairs(200));
  expect((await runEntail(['datasets', 'import', path, '--name', 'pairs'], { home })).code).toBe(0);
});

describe('a run that is interrupted', () => {
  it('once: stops with a checkpoint, exit code 130, says how to go on, and can', async () => {
    const stopped = await runUntil([...TRAIN, '--epochs', '90'], TRAINING, (_, kill) => kill('SIGINT'));
    expect(stopped.code).toBe(130);
    const runId = runIdIn(stopped);
    const last = jsonLines(stopped.stdout).at(-1)!;
    expect(last).toMatchObject({ event: 'stopped', runId });
    expect(await stateOf(runId)).toBe('stopped');
    const resumed = await runEntail(['runs', 'resume', runId, '--json'], { home });
    expect(resumed.code).toBe(0);
    const events = jsonLines(resumed.stdout);
    expect(events.find(({ event }) => event === 'started')).toMatchObject({ resumedAtStep: last['step'] });
    expect(events.at(-1)).toMatchObject({ event: 'result', runId, epochs: 90, steps: 900 });
    const again = await runEntail(['runs', 'resume', runId], { home });
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('is completed');
  });

  it('twice: ends at once and is "interrupted"', async () => {
    // One step of this network takes seconds, so that it cannot stop in good order between the two presses.
    const wide = ['--size', 'bert.base', '--batch-size', '160', '--micro-batch-tokens', '1048576'];
    const words = ['train', '--dataset', 'pairs', '--engine', 'wasm', '--json', ...wide];
    const killed = await runUntil(words, /"event":"started"/, (_, kill) => {
      kill('SIGINT');
      // Well later than what counts as one press, also on a busy machine.
      setTimeout(() => kill('SIGINT'), 1500);
    });
    expect(killed.code).toBe(130);
    expect(jsonLines(killed.stdout).at(-1)).toMatchObject({ event: 'error', code: 'INTERRUPTED' });
    expect(await stateOf(runIdIn(killed))).toBe('interrupted');
  });

  it('by a terminal, whose Ctrl-C reaches workers that cannot listen yet: is no failure', async () => {
    let pressed = false;
    const interrupted = await runEntail([...ENDLESS, '--devices', 'cpu,cpu'], {
      home,
      ownGroup: true,
      onOutput: (stdout, { pid }) => {
        if (pressed || !stdout.includes('"event":"run"')) return;
        pressed = true;
        process.kill(-pid!, 'SIGINT');
      },
    });
    expect(interrupted.code).toBe(130);
    expect(interrupted.stdout).not.toContain('WORKER_CRASHED');
    expect(['stopped', 'interrupted']).toContain(await stateOf(runIdIn(interrupted)));
    const runId = runIdIn(interrupted);
    const resumed = await runUntil(['runs', 'resume', runId, '--json'], TRAINING, (_, kill) =>
      kill('SIGINT'),
    );
    expect(jsonLines(resumed.stdout).at(-1)).toMatchObject({ event: 'stopped', runId });
  });

  it('by the death of everything: the next command says so, and the run can be resumed', async () => {
    const killed = await runUntil(ENDLESS, /"event":"checkpoint"/, (_, kill) => kill('SIGKILL'));
    expect(killed.code).toBeNull();
    const runId = runIdIn(killed);
    const resumed = await runUntil(['runs', 'resume', runId, '--json'], TRAINING, (_, kill) =>
      kill('SIGTERM'),
    );
    expect(resumed.stderr).toContain(`resumable: ${runId}`);
    expect(resumed.code).toBe(130);
    const started = jsonLines(resumed.stdout).find(({ event }) => event === 'started')!;
    expect(started['resumedAtStep']).toBeGreaterThan(0);
  });

  it('by the death of its launcher: the command stops in good order', async () => {
    const orphan = await runUntil(ENDLESS, TRAINING, (_, kill) => kill('SIGKILL'), OLDER_NODE);
    expect(orphan.code).toBeNull();
    // The pipes close when the last process has ended, so that nothing is left to wait for.
    expect(jsonLines(orphan.stdout).at(-1)).toMatchObject({ event: 'stopped' });
    expect(await stateOf(runIdIn(orphan))).toBe('stopped');
  });

  it('while it trains belongs to one process', async () => {
    let second: Promise<Ran> | null = null;
    const first = await runUntil(ENDLESS, TRAINING, (stdout, kill) => {
      second = runEntail(['runs', 'resume', runIdIn({ stdout })], { home });
      void second.finally(() => kill('SIGINT'));
    });
    expect(first.code).toBe(130);
    const refused = await second!;
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('belongs to process');
  });
});

describe('an import that is interrupted', () => {
  it('leaves nothing behind and can be run again', async () => {
    const path = join(temporaryFolder(), 'large.csv');
    writePairsCsv(path, numberedPairs(150_000));
    const words = ['datasets', 'import', path, '--name', 'large', '--json'];
    const stopped = await runUntil(words, /"phase":"reading"/, (_, kill) => kill('SIGINT'));
    expect(stopped.code).toBe(130);
    expect(jsonLines(stopped.stdout).at(-1)).toMatchObject({ event: 'error', code: 'CANCELLED' });
    const names = async () =>
      (
        JSON.parse((await runEntail(['datasets', 'list', '--json'], { home })).stdout) as { name: string }[]
      ).map(({ name }) => name);
    expect(await names()).toEqual(['pairs']);
    expect((await runEntail(words, { home })).code).toBe(0);
    expect(await names()).toEqual(['large', 'pairs']);
    expect(readdirSync(home).filter((name) => name.includes('.tmp-'))).toEqual([]);
  });
});
