/**
 * @file Tests. Runs side by side on two devices, the processor and a GPU in software, with real workers: one run a device, who
 * has one is named, and a killed process leaves none taken.
 */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStudioDatabase } from '../../main/db/open.ts';
import { stateOf } from '../../main/db/runState.ts';
import { runsInWork } from '../../main/db/runsInWork.ts';
import { lockHolderOf } from '../../main/engines/deviceLocks.ts';
import type { HostedStudio } from '../../main/studio/hosting.ts';
import type { Device } from '../../shared/devices.ts';
import { engineForTests } from '../support/enginesForTests.ts';
import { setVariable } from '../support/fakePrograms.ts';
import { openHosted } from '../support/hostedStudio.ts';
import { jsonLines, runEntail } from '../support/runEntail.ts';
import { importTinyPairs, StudioCalls, TINY_FLAGS } from '../support/studioCalls.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { until } from '../support/until.ts';

const ENDLESS = { epochs: 1000 };
const GPU = { engine: 'webgpu' as const };
/** The last --engine counts. */
const TRAIN_ON_GPU = ['train', '--dataset', 'pairs', ...TINY_FLAGS, '--engine', 'webgpu', '--epochs', '1000'];

let folder: string;
let studio: HostedStudio | null;
let calls: StudioCalls;
let commands: { child: ChildProcess | null; ended: Promise<unknown> }[];

beforeEach(async ({ skip }) => {
  engineForTests('webgpu', skip);
  // Locks of our own: other tests may use the same GPU meanwhile.
  setVariable('TMPDIR', temporaryFolder());
  folder = temporaryFolder();
  studio = null;
  commands = [];
  await importTinyPairs(folder);
});
afterEach(async () => {
  for (const { child } of commands) child?.kill('SIGKILL');
  await Promise.all(commands.map(({ ended }) => ended));
  await studio?.close();
});

function openStudio(): void {
  studio = openHosted(folder);
  calls = new StudioCalls(studio.dispatch);
}

const queue = () => calls.ask('queue/show', {});
const devices = async () => (await calls.ask('engines/devices', {})).devices;
const gpu = async (): Promise<Device> => (await devices()).find(({ name }) => name === 'webgpu:0')!;

/** A command of another data directory, or of this one; its child is known once it has said something. */
function command(words: readonly string[], home: string) {
  const entry: (typeof commands)[number] = { child: null, ended: Promise.resolve() };
  let said = '';
  entry.ended = runEntail(words, {
    home,
    onOutput: (stdout, child) => {
      said = stdout;
      entry.child = child;
    },
  });
  commands.push(entry);
  return { untilSaid: (text: string) => until(() => said.includes(text)), entry };
}

describe('in a studio', () => {
  it('a run of the processor and one of the GPU train at the same time; the next waits for its device, and says for whom', async () => {
    openStudio();
    const [onProcessor, onGpu, next] = [
      await calls.add(ENDLESS),
      await calls.add(ENDLESS, 'back', GPU),
      await calls.add(ENDLESS, 'back', GPU),
    ] as [string, string, string];
    // A GPU in software takes its time for the first step: its engine has begun, and that is enough.
    for (const run of [onProcessor, onGpu]) await calls.untilState(run, 'running');
    const { running, waiting } = await until(queue, (now) => (now.waiting[0]?.waitsFor.length ?? 0) > 0);
    expect(running).toMatchObject([
      { run: onProcessor, devices: ['cpu'], here: true },
      { run: onGpu, devices: ['webgpu:0'], here: true },
    ]);
    const holder = { kind: 'run', run: onGpu, pid: process.pid };
    expect(waiting).toMatchObject([{ id: next, waitsFor: [{ device: 'webgpu:0', holder }] }]);
    expect((await calls.show(onGpu)).engine!.device).toMatch(/^webgpu:0 /);
    expect((await gpu()).gpus.length).toBeGreaterThan(0);
    expect(await devices()).toContainEqual(expect.objectContaining({ name: 'webgpu:0', holders: [holder] }));

    await calls.ask('runs/discard', { run: onGpu });
    await calls.untilState(next, 'running');
    expect((await calls.show(onProcessor)).state).toBe('running');
  });
});

describe('of two data directories', () => {
  it('a GPU computes one run; the other names its process, and starts when that is killed', async () => {
    const elsewhere = temporaryFolder();
    await importTinyPairs(elsewhere);
    const other = command(TRAIN_ON_GPU, elsewhere);
    await other.untilSaid('webgpu on webgpu:0');
    const store = openStudioDatabase(join(elsewhere, 'studio.db'));
    const [{ pid, devices: taken }] = runsInWork(store) as [ReturnType<typeof runsInWork>[0]];
    store.close();
    expect(taken).toEqual(['webgpu:0']);
    openStudio();
    const run = await calls.add(ENDLESS, 'back', GPU);
    const { waiting } = await until(queue, (now) => (now.waiting[0]?.waitsFor.length ?? 0) > 0);
    const holder = { kind: 'entail', pid, purpose: 'a run' };
    expect(waiting[0]!.waitsFor).toEqual([{ device: 'webgpu:0', holder }]);

    const insisting = await runEntail([...TRAIN_ON_GPU, '--no-wait'], { home: await pairsElsewhere() });
    expect(insisting.code).toBe(1);
    expect(insisting.stderr).toContain(`webgpu:0, used by process ${pid} (entail: a run)`);

    process.kill(pid, 'SIGKILL');
    await calls.untilState(run, 'running');
    expect(lockHolderOf(await gpu())?.pid).toBe(process.pid);
  });
});

describe('at the command line', () => {
  it('queue run trains both at once, and Ctrl-C ends both', async () => {
    const add = async (engine: string) => {
      const words = ['queue', 'add', '--dataset', 'pairs', ...TINY_FLAGS, '--engine', engine];
      const { stdout } = await runEntail([...words, '--epochs', '1000', '--json'], { home: folder });
      return jsonLines(stdout)[0]!['runId'] as string;
    };
    const runs = [await add('webgpu'), await add('wasm')];
    let pressed = false;
    const { code, stdout } = await runEntail(['queue', 'run', '--json'], {
      home: folder,
      onOutput: (said, child) => {
        if (pressed || !runs.every((run) => said.includes(`{"event":"started","run":"${run}"`))) return;
        pressed = true;
        child.kill('SIGINT');
      },
    });
    expect(code).toBe(130);
    const events = jsonLines(stdout);
    expect(events.filter(({ event }) => event === 'run').map(({ runId }) => runId)).toEqual(runs);
    // One that does not come to the end of its step in time is ended at once.
    const store = openStudioDatabase(join(folder, 'studio.db'));
    expect(runsInWork(store)).toEqual([]);
    for (const run of runs) expect(['stopped', 'interrupted']).toContain(stateOf(store, run));
    store.close();
  });
});

async function pairsElsewhere(): Promise<string> {
  const home = temporaryFolder();
  await importTinyPairs(home);
  return home;
}
