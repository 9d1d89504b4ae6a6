/** @file Tests. Devices on the command line: what there is, who uses it, --devices, and what the queue waits for. */
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { devicesFrom } from '../../../main/cli/devicesFlag.ts';
import type { StudioDatabase } from '../../../main/db/connection.ts';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { claimQueued, devicesWishOf } from '../../../main/db/queue.ts';
import { appendReports } from '../../../main/db/reports.ts';
import { stateOf } from '../../../main/db/runState.ts';
import { createRun } from '../../../main/db/runs.ts';
import type { DevicesWish } from '../../../shared/devices.ts';
import { entailHere, homeWithPairs, TINY_RUN } from '../../support/entailHere.ts';
import { setVariable } from '../../support/fakePrograms.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import {
  FIRST_UUID,
  type NvidiaMachine,
  nvidiaMachine,
  SECOND_UUID,
  seemToInstallCuda,
} from '../../support/nvidiaMachine.ts';
import { jsonLines, onceSaid } from '../../support/runEntail.ts';
import { sampleConfig, sampleEngine, sampleEnvironment, startedReport } from '../../support/sampleRun.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

let home: string;
let machine: NvidiaMachine;
const entail = (words: readonly string[]) => entailHere(words, { home });

beforeEach(async () => {
  setVariable('TMPDIR', temporaryFolder());
  home = await homeWithPairs();
});

describe('--devices', () => {
  it.each<[string | undefined, DevicesWish | undefined]>([
    [undefined, undefined],
    ['all', 'all'],
    ['FREE', 'free'],
    ['0', ['0']],
    ['0, 1,cuda:2', ['0', '1', 'cuda:2']],
    ['cpu,cpu', ['cpu', 'cpu']],
  ])('%s is %j', (given, wish) => expect(devicesFrom(given)).toEqual(wish));

  it.each(['', 'gpu0', '0,', 'all,0', '-1', 'cuda:', '01', '__proto__'])('"%s" is refused', (given) => {
    expect(studioErrorOf(() => devicesFrom(given))).toMatchObject({
      code: 'USAGE',
      nextStep: expect.stringContaining('entail devices'),
    });
  });

  it('more than a run can have is refused as such', () => {
    const many = Array.from({ length: 17 }, () => 'cpu').join();
    expect(studioErrorOf(() => devicesFrom(many)).message).toBe(
      '--devices names 17 devices; 16 are the most.',
    );
  });

  it('that an engine does not have is refused before anything is made', async () => {
    for (const words of [['train'], ['queue', 'add']]) {
      const ran = await entail([...words, ...TINY_RUN, '--devices', '1']);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain('There is no device "1" for this engine; there is cpu.');
    }
    expect((await entail(['runs', 'list', '--json'])).stdout).toBe('[]\n');
  });
});

/** A run that waits for the first GPU. */
function queuedOnFirst(): string {
  const store = openStudioDatabase(join(home, 'studio.db'));
  const run = createRun(store, {
    config: { ...sampleConfig(), engine: 'tensorflow' },
    environment: sampleEnvironment,
    devices: ['cuda:0'],
    queue: { place: 0, threads: null },
  });
  store.close();
  return run;
}

describe('with two GPUs', () => {
  beforeEach(() => {
    seemToInstallCuda(home);
    machine = nvidiaMachine();
    machine.setProcesses([
      `${FIRST_UUID}, 1, /usr/bin/python3, 2048`,
      `${SECOND_UUID}, 1, /opt/evil\u001b[2J, 2048`,
    ]);
  });

  it('devices shows them, with who uses them', async () => {
    const { stdout } = await entail(['devices']);
    expect(stdout).toMatch(
      /^cuda:0 +NVIDIA H200 \(compute capability 9\.0\) .* tensorflow +used by process 1 \(python3\)$/m,
    );
    expect(stdout).toMatch(/^cpu +processor .*native.* free$/m);
    expect(stdout).not.toContain('\u001b');
    const { devices } = JSON.parse((await entail(['devices', '--json'])).stdout);
    expect(devices).toContainEqual(
      expect.objectContaining({ name: 'cuda:0', holders: [{ kind: 'process', pid: 1, program: 'python3' }] }),
    );
  });

  it('queue list says which device a run waits for, and who has it', async () => {
    const run = queuedOnFirst();
    const { stdout } = await entail(['queue', 'list']);
    expect(stdout).toMatch(
      new RegExp(`^1 +${run} .* cuda:0 +queued, waits for cuda:0, used by process 1 \\(python3\\)$`, 'm'),
    );
    const { waiting } = JSON.parse((await entail(['queue', 'list', '--json'])).stdout);
    const holder = { kind: 'process', pid: 1, program: 'python3' };
    expect(waiting).toMatchObject([{ devices: ['cuda:0'], waitsFor: [{ device: 'cuda:0', holder }] }]);
  });

  it('queue beside lets a waiting run start beside that program, which queue list says', async () => {
    const run = queuedOnFirst();
    const before = await entail(['queue', 'list']);
    expect(before.stdout).toContain(
      `To start it beside a program that is no Entail: npx --no entail queue beside ${run}`,
    );
    expect((await entail(['queue', 'beside', run])).stdout).toBe(
      `Run ${run} does not wait for other programs any more.\n`,
    );
    const { stdout } = await entail(['queue', 'list']);
    expect(stdout).toMatch(new RegExp(`^1 +${run} .* cuda:0 +queued, starts beside other programs$`, 'm'));
    expect(stdout).not.toContain('queue beside');
    expect((await entail(['queue', 'beside', 'r0'])).stderr).toContain('There is no run');
  });

  it('queue add keeps the wish to start beside programs', async () => {
    await entail(['queue', 'add', ...TINY_RUN, '--beside-programs']);
    const { waiting } = JSON.parse((await entail(['queue', 'list', '--json'])).stdout);
    expect(waiting).toMatchObject([{ besidePrograms: true }]);
  });

  describe('runs resume --devices', () => {
    let store: StudioDatabase;
    let run: string;

    beforeEach(async () => {
      const { stdout } = await entail(['queue', 'add', ...TINY_RUN, '--devices', 'cpu,cpu', '--json']);
      run = jsonLines(stdout)[0]!['runId'] as string;
      store = openStudioDatabase(join(home, 'studio.db'));
      const lease = claimQueued(store, run, ['cuda:0']);
      const engine = { ...sampleEngine, engine: 'tensorflow' as const, device: 'cuda:0' };
      appendReports(store, run, [
        { ...startedReport(), engine },
        { kind: 'stopped', step: 0 },
      ]);
      lease.release();
      return () => store.close();
    });

    it('takes the place of what the run asked for, here', async () => {
      machine.setProcesses([]);
      // The installation has nothing to compute with: the run has begun on that GPU, and fails.
      expect((await entail(['runs', 'resume', run, '--devices', '1'])).code).not.toBe(0);
      expect(stateOf(store, run)).toBe('failed');
      expect(devicesWishOf(store, run)).toEqual(['1']);
    });

    it('goes on beside a program only when that is said', async () => {
      const waiting = await entailHere(['runs', 'resume', run, '--devices', '1'], {
        home,
        onOutput: (stdout, press) => {
          if (stdout.includes('With --beside-programs')) press();
        },
      });
      expect(waiting.stdout).toContain('waits for cuda:1, used by process 1');
      expect(stateOf(store, run)).toBe('stopped');
      await entail(['runs', 'resume', run, '--devices', '1', '--beside-programs']);
      expect(stateOf(store, run)).toBe('failed');
    });

    it('and in the queue of a studio that is open; a device that is not there changes nothing', async () => {
      const studio = openHosted(home);
      await studio.dispatch('queue/pause', { paused: true });
      const refused = await entail(['runs', 'resume', run, '--devices', '7']);
      expect(refused.stderr).toContain('There is no device "7" for this engine');
      expect(stateOf(store, run)).toBe('stopped');
      expect(devicesWishOf(store, run)).toEqual(['cpu', 'cpu']);
      const ran = await entailHere(['runs', 'resume', run, '--devices', '1'], {
        home,
        onOutput: onceSaid('the run waits in its queue', (press: () => void) => press()),
      });
      expect(ran.stderr).toContain('was taken out of the queue');
      expect(devicesWishOf(store, run)).toEqual(['1']);
      await studio.close();
    });
  });
});
