/** @file Tests. A command line beside an open studio: what Ctrl-C does to a joined run, and what a studio does with a run of a command line. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostedStudio } from '../../main/studio/hosting.ts';
import { entailHere } from '../support/entailHere.ts';
import { openHosted } from '../support/hostedStudio.ts';
import { jsonLines, runEntail } from '../support/runEntail.ts';
import { childrenOf, importTinyPairs, StudioCalls, TINY_FLAGS } from '../support/studioCalls.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

const TRAIN = ['train', '--dataset', 'pairs', '--json', ...TINY_FLAGS];
const ENDLESS = [...TRAIN, '--epochs', '1000'];

let folder: string;
let studio: HostedStudio;
let calls: StudioCalls;

beforeEach(async () => {
  folder = temporaryFolder();
  await importTinyPairs(folder);
});
afterEach(async () => {
  await studio.close();
});

function openStudio(): void {
  studio = openHosted(folder);
  calls = new StudioCalls(studio.dispatch);
}

/** A command that goes on; `press` is Ctrl-C. */
function command(words: readonly string[]) {
  let said = '';
  let press = () => {};
  const onOutput = (stdout: string, pressing: () => void) => {
    said = stdout;
    press = pressing;
  };
  const ended = entailHere(words, { home: folder, onOutput });
  return { ended, untilSaid: (text: string) => until(() => said.includes(text)), press: () => press() };
}

const running = async () => (await calls.ask('queue/show', {})).running;
const untilRunning = async () => (await until(running, ({ length }) => length > 0))[0]!.run;

describe('a command that has joined the queue', () => {
  it('stops its run in good order at Ctrl-C, at once at the second, and ends when its run leaves the queue', async () => {
    openStudio();
    const joined = command(ENDLESS);
    const run = await untilRunning();
    await calls.untilSaved(run);
    await joined.untilSaid('"event":"progress"');
    joined.press();
    const { code, stdout } = await joined.ended;
    expect(code).toBe(130);
    const { progress, checkpoints } = await calls.untilState(run, 'stopped');
    expect(jsonLines(stdout).at(-1)).toEqual({ event: 'stopped', runId: run, step: progress!.step });
    expect(checkpoints[0]!.step).toBe(progress!.step);

    const resumed = command(['runs', 'resume', run, '--json']);
    await calls.untilState(run, 'running');
    await resumed.untilSaid('"event":"started"');
    // A worker that hears nothing, so that it cannot stop in good order between the two presses.
    process.kill(childrenOf('training/worker')[0]!, 'SIGSTOP');
    const presses = setInterval(resumed.press, 500);
    const ended = await resumed.ended;
    clearInterval(presses);
    expect(ended.code).toBe(130);
    expect(jsonLines(ended.stdout).at(-1)).toMatchObject({ event: 'error', code: 'INTERRUPTED' });
    expect((await calls.show(run)).state).toBe('interrupted');

    // Somebody takes it out of the queue before it goes on: nobody waits for it any more.
    await calls.ask('queue/pause', { paused: true });
    const again = command(['runs', 'resume', run, '--json']);
    await again.untilSaid('at place 1');
    await calls.ask('queue/remove', { run });
    const { code: refused, stderr } = await again.ended;
    expect(refused).toBe(130);
    expect(stderr).toContain('was taken out of the queue in the studio');
    expect((await calls.show(run)).state).toBe('interrupted');
  });

  it('trains its run itself when the studio closes before that', async () => {
    openStudio();
    await calls.ask('queue/pause', { paused: true });
    const joined = command([...TRAIN, '--epochs', '1']);
    await joined.untilSaid('at place 1');
    await studio.close();
    const { code, stdout } = await joined.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('it is trained here');
    const last = jsonLines(stdout).at(-1)!;
    expect(last).toMatchObject({ event: 'result', epochs: 1 });
    openStudio();
    expect((await calls.show(last['runId'] as string)).state).toBe('completed');
  });
});

describe('a run of a command line that was there first', () => {
  it('has its device to itself, and obeys the studio', async () => {
    let said = '';
    const onOutput = (stdout: string) => {
      said = stdout;
    };
    const first = runEntail(ENDLESS, { home: folder, onOutput });
    // Whichever step: progress is told ten times a second, not at every step.
    await until(() => /"event":"progress","step":[1-9]/.test(said));
    openStudio();
    const run = await untilRunning();
    const next = await calls.add();
    expect(await calls.ask('queue/show', {})).toMatchObject({
      running: [{ run, devices: ['cpu'], here: false }],
      waiting: [{ id: next }],
    });
    await calls.ask('runs/pause', { run });
    await calls.untilState(run, 'paused');
    await calls.ask('runs/resume', { run });
    await calls.untilState(run, 'running');
    expect((await calls.show(next)).state).toBe('queued');
    await calls.ask('runs/stop', { run, how: 'keep' });
    const { code, stdout } = await first;
    expect(code).toBe(130);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ event: 'stopped', runId: run });
    expect((await calls.show(run)).result?.testAccuracy).toEqual(expect.any(Number));
    await calls.untilState(next, 'completed');
  });
});
