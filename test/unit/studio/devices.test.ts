/**
 * @file Tests. Who uses a device: runs of a data directory by its database, other Entails by their locks, other programs by
 * what nvidia-smi says; and what waiting runs may take then. The GPUs are told by a program of ours, nothing is computed.
 */
import { spawn } from 'node:child_process';
import { beforeEach, describe, expect, it } from 'vitest';
import { claimRun } from '../../../main/db/lease.ts';
import { claimQueued, queueAgain, startBesidePrograms, waitingRuns } from '../../../main/db/queue.ts';
import { setState } from '../../../main/db/runState.ts';
import { createRun } from '../../../main/db/runs.ts';
import { lockDevices } from '../../../main/engines/deviceLocks.ts';
import { DriverSilent } from '../../../main/engines/driverSilent.ts';
import { engineOn } from '../../../main/studio/chosenEngine.ts';
import { Databases } from '../../../main/studio/databases.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import { DevicePlaces } from '../../../main/studio/devicePlaces.ts';
import { DeviceService } from '../../../main/studio/devices.ts';
import { EngineService } from '../../../main/studio/engines.ts';
import { type TakingWish, takeDevices } from '../../../main/studio/takenDevices.ts';
import { type Device, type DevicesWish, PROCESSOR } from '../../../shared/devices.ts';
import type { WorkerReport } from '../../../shared/runs.ts';
import { programPath, setVariable } from '../../support/fakePrograms.ts';
import {
  FIRST_UUID,
  type NvidiaMachine,
  nvidiaMachine,
  SECOND_UUID,
  seemToInstallCuda,
  TWO_GPUS,
} from '../../support/nvidiaMachine.ts';
import { sampleConfig, sampleEnvironment } from '../../support/sampleRun.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

/** A process that lives as long as the machine, and is none of ours. */
const PYTHON = { kind: 'process', pid: 1, program: 'python3' };

const TAKING: TakingWish = {
  ...{ engine: 'tensorflow', wish: ['1'], waits: true, besidePrograms: false, purpose: 'a test' },
};

let databases: Databases;
let engines: EngineService;
let devices: DeviceService;
let machine: NvidiaMachine;

beforeEach(() => {
  setVariable('TMPDIR', temporaryFolder());
  machine = nvidiaMachine(undefined, ['sleep']);
  const root = temporaryFolder();
  seemToInstallCuda(root);
  databases = new Databases(dataPlaces(root), () => {});
  engines = new EngineService(root);
  devices = new DeviceService({ databases, engines });
  return () => databases.close();
});

let place = 0;
function enqueue(wish: DevicesWish = 1): string {
  place += 1;
  const config = { ...sampleConfig(), engine: 'tensorflow' as const };
  const queue = { place, threads: null };
  return createRun(databases.store(), { config, environment: sampleEnvironment, devices: wish, queue });
}

/** A run that this process works on. */
function runOn(...names: Device['name'][]): string {
  const run = createRun(databases.store(), { config: sampleConfig(), environment: sampleEnvironment });
  claimRun(databases.store(), run, names);
  setState(databases.store(), run, 'running');
  return run;
}

const gpus = async () => (await engines.devices('tensorflow')).filter(({ name }) => name !== 'cpu');
const holdersOf = async (name: Device['name']) =>
  (await devices.overview()).devices.find((device) => device.name === name)!.holders;

async function turns() {
  const found = await devices.turns(waitingRuns(databases.store()), new DevicePlaces());
  return found.map(({ run, placement, waitsFor }) => ({
    run,
    takes: Array.isArray(placement) ? placement.map(({ name }) => name) : null,
    waitsFor,
  }));
}

describe('the devices of a machine', () => {
  it('are told with what they are, who can use them, and who does', async () => {
    const run = runOn('cpu');
    const { devices: found, byEngine } = await devices.overview();
    expect(found.map(({ name, title, holders }) => [name, title, holders.length])).toEqual(
      expect.arrayContaining([
        ['cpu', 'processor', 1],
        ['cuda:0', 'NVIDIA H200', 0],
        ['cuda:1', 'NVIDIA H200', 0],
      ]),
    );
    expect(byEngine).toContainEqual({ engine: 'tensorflow', devices: ['cuda:0', 'cuda:1', 'cpu'] });
    expect(byEngine).toContainEqual({ engine: 'native', devices: ['cpu'] });
    expect(await holdersOf('cpu')).toEqual([{ kind: 'run', run, pid: process.pid }]);
  });
});

describe('a waiting run', () => {
  it('starts beside another one, on the next GPU', async () => {
    const running = runOn('cuda:0');
    const [first, second] = [enqueue(), enqueue()];
    const holder = { kind: 'run', run: running, pid: process.pid };
    expect(await turns()).toEqual([
      { run: first, takes: ['cuda:1'], waitsFor: [] },
      {
        ...{ run: second, takes: null },
        waitsFor: [
          { device: 'cuda:0', holder },
          { device: 'cuda:1', holder: { kind: 'waiting', run: first } },
        ],
      },
    ]);
  });

  it('waits for a program that computes on its GPU, and names it', async () => {
    machine.setProcesses([`${SECOND_UUID}, 1, /usr/bin/python3, 2048`]);
    const run = enqueue(['1']);
    expect(await turns()).toEqual([{ run, takes: null, waitsFor: [{ device: 'cuda:1', holder: PYTHON }] }]);
    machine.setProcesses([]);
    expect(await turns()).toEqual([{ run, takes: ['cuda:1'], waitsFor: [] }]);
  });

  it('starts beside that program when a person says so, and after a restart; never beside an Entail', async () => {
    machine.setProcesses([`${SECOND_UUID}, 1, /usr/bin/python3, 2048`]);
    const run = enqueue(['1']);
    startBesidePrograms(databases.store(), run);
    expect(await turns()).toEqual([{ run, takes: ['cuda:1'], waitsFor: [] }]);
    const { places } = databases;
    databases.close();
    databases = new Databases(places, () => {});
    devices = new DeviceService({ databases, engines });
    expect(await turns()).toEqual([{ run, takes: ['cuda:1'], waitsFor: [] }]);
    const lock = lockDevices([(await gpus())[1]!], 'run r7f3k2');
    const holder = { kind: 'entail', pid: process.pid, purpose: 'run r7f3k2' };
    expect(await turns()).toEqual([{ run, takes: null, waitsFor: [{ device: 'cuda:1', holder }] }]);
    lock.release();
  });

  it('waits for programs again when it goes on another time', async () => {
    machine.setProcesses([`${SECOND_UUID}, 1, /usr/bin/python3, 2048`]);
    const run = enqueue(['1']);
    startBesidePrograms(databases.store(), run);
    const lease = claimQueued(databases.store(), run, ['cuda:1']);
    setState(databases.store(), run, 'stopped');
    lease.release();
    queueAgain(databases.store(), run);
    expect((await turns())[0]!.takes).toBeNull();
    startBesidePrograms(databases.store(), run);
    expect((await turns())[0]!.takes).toEqual(['cuda:1']);
  });

  it('waits for an Entail with another data directory, by its lock', async () => {
    const [first] = await gpus();
    const lock = lockDevices([first!], 'run r7f3k2');
    const run = enqueue(['0']);
    const holder = { kind: 'entail', pid: process.pid, purpose: 'run r7f3k2' };
    expect(await turns()).toEqual([{ run, takes: null, waitsFor: [{ device: 'cuda:0', holder }] }]);
    lock.release();
    expect((await turns())[0]!.takes).toEqual(['cuda:0']);
  });

  it('does not wait for a model that this studio itself keeps loaded', async () => {
    const child = spawn(programPath('sleep')!, ['60']);
    machine.setProcesses([`${FIRST_UUID}, ${child.pid}, node, 700`]);
    const run = enqueue(['0']);
    expect(await turns()).toEqual([{ run, takes: ['cuda:0'], waitsFor: [] }]);
    child.kill();
  });

  it('hears of each run once, though its lock and its worker tell of it too', async () => {
    const [first] = await gpus();
    const lock = lockDevices([first!], 'run');
    machine.setProcesses([`${FIRST_UUID}, ${process.pid}, node, 700`]);
    const run = runOn('cuda:0');
    expect(await holdersOf('cuda:0')).toEqual([{ kind: 'run', run, pid: process.pid }]);
    lock.release();
  });

  it('whose engine is not there waits for nobody: it says so when it starts', async () => {
    const config = { ...sampleConfig(), engine: 'webgpu' as const };
    const queue = { place: 0, threads: null };
    const run = createRun(databases.store(), { config, environment: sampleEnvironment, queue });
    setVariable('ENTAIL_WEBGPU_ADAPTER', 'no such adapter');
    expect((await turns())[0]).toEqual({ run, takes: ['cpu'], waitsFor: [] });
  });
});

describe('a worker', () => {
  it('sees the GPU that was taken for it, though the driver tells of others by now', async () => {
    engines = new EngineService(databases.places.root, async () => {}, { devicesKeptMs: 0 });
    devices = new DeviceService({ databases, engines });
    const { placement } = await devices.turnOf('tensorflow', ['0', '1'], { sharesProcessor: true });
    // The first GPU has fallen off the bus, and the driver has counted the other one again.
    machine.setGpus([TWO_GPUS[1]!.replace('1,', '0,')]);
    const { environments } = await engineOn(engines, { name: 'tensorflow', threads: null }, placement!);
    expect(environments.map((variables) => variables['CUDA_VISIBLE_DEVICES'])).toEqual([
      FIRST_UUID,
      SECOND_UUID,
    ]);
  });
});

describe('while the driver does not say which GPUs there are', () => {
  const trouble = ['Timeout reached while waiting for the driver.'];

  it('they are those that it told last', async () => {
    engines = new EngineService(databases.places.root, async () => {}, { devicesKeptMs: 0 });
    devices = new DeviceService({ databases, engines });
    const before = await gpus();
    expect(before.map(({ gpus: [uuid] }) => uuid)).toEqual([FIRST_UUID, SECOND_UUID]);
    machine.setGpus(trouble);
    expect(await gpus()).toEqual(before);
    expect(await gpus()).toEqual(before);
    const run = enqueue(['1']);
    expect(await turns()).toEqual([{ run, takes: ['cuda:1'], waitsFor: [] }]);
    machine.setGpus(TWO_GPUS.slice(0, 1));
    expect((await gpus()).map(({ name }) => name)).toEqual(['cuda:0']);
  });

  it('a run waits that needs to know, and no other', async () => {
    machine.setGpus(trouble);
    enqueue(['1']);
    enqueue('all');
    const config = { ...sampleConfig(), engine: 'native' as const };
    const queue = { place: 99, threads: null };
    createRun(databases.store(), { config, environment: sampleEnvironment, queue });
    const found = await devices.turns(waitingRuns(databases.store()), new DevicePlaces());
    expect(found.map(({ placement }) => placement)).toEqual([null, null, [PROCESSOR]]);
    machine.setGpus(TWO_GPUS);
    expect((await turns()).map(({ takes }) => takes)).toEqual([['cuda:1'], null, ['cpu']]);
  });

  it('nothing is refused that may be there, and nothing taken that may not', async () => {
    machine.setGpus(trouble);
    await devices.require('tensorflow', ['7']);
    await expect(devices.turnOf('tensorflow', 1, { sharesProcessor: true })).rejects.toThrow(DriverSilent);
    const taking = TAKING;
    const told: string[] = [];
    const onReports = (reports: readonly WorkerReport[]) => {
      told.push(...reports.flatMap((report) => (report.kind === 'log' ? report.text : [])));
      machine.setGpus(TWO_GPUS);
    };
    const taken = await takeDevices(devices, taking, { listener: { onReports }, signal: undefined });
    expect(told).toEqual(["The run waits until NVIDIA's driver says which GPUs there are."]);
    expect(taken.devices.map(({ name }) => name)).toEqual(['cuda:1']);
    taken.lock.release();
  });
});

describe('a run that is started here', () => {
  const computing = [`${SECOND_UUID}, 1, /usr/bin/python3, 2048`];
  const quiet = { listener: { onReports: () => {} }, signal: undefined };

  it('waits for a program, says by which flag it would not, and starts when it is gone', async () => {
    machine.setProcesses(computing);
    const told: string[] = [];
    const onReports = (reports: readonly WorkerReport[]) => {
      told.push(...reports.flatMap((report) => (report.kind === 'log' ? report.text : [])));
      machine.setProcesses([]);
    };
    const taken = await takeDevices(devices, TAKING, { listener: { onReports }, signal: undefined });
    expect(told).toEqual([
      'The run waits for cuda:1, used by process 1 (python3). With --beside-programs it starts beside a program that is no Entail.',
    ]);
    taken.lock.release();
  });

  it('starts beside a program with that flag, and never beside an Entail', async () => {
    machine.setProcesses(computing);
    const beside = { ...TAKING, besidePrograms: true, waits: false };
    const taken = await takeDevices(devices, beside, quiet);
    expect(taken.devices.map(({ name }) => name)).toEqual(['cuda:1']);
    await expect(takeDevices(devices, beside, quiet)).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringContaining(`cuda:1, used by process ${process.pid} (entail: a test)`),
      nextStep: expect.not.stringContaining('--beside-programs'),
    });
    taken.lock.release();
    await expect(takeDevices(devices, { ...TAKING, waits: false }, quiet)).rejects.toMatchObject({
      code: 'LOCKED',
      nextStep: expect.stringContaining('With --beside-programs'),
    });
  });
});

describe('what is asked for', () => {
  it('is refused at once where there is no such device', async () => {
    await devices.require('tensorflow', ['0', 'cuda:1']);
    await expect(devices.require('tensorflow', ['2'])).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'There is no device "2" for this engine; there is cuda:0, cuda:1, cpu.',
    });
    await expect(devices.require('native', ['cuda:0'])).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is so many devices, as far as that can be told before it starts', async () => {
    const wishes = [1, 8, 'all', 'free', ['1'], ['cpu', 'cpu']] as const;
    const counts = wishes.map((wish) => devices.counts('tensorflow', wish as DevicesWish));
    expect((await Promise.all(counts)).map(({ least, most }) => [least, most])).toEqual([
      ...[
        [1, 1],
        [2, 2],
        [2, 2],
        [1, 2],
      ],
      ...[
        [1, 1],
        [2, 2],
      ],
    ]);
    await expect(devices.counts('tensorflow', ['7'])).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('without the queue shares the processor, and no GPU', async () => {
    runOn('cpu');
    runOn('cuda:0');
    const beside = await devices.turnOf('native', 1, { sharesProcessor: true });
    expect(beside.placement?.map(({ name }) => name)).toEqual(['cpu']);
    expect((await devices.turnOf('native', 1, { sharesProcessor: false })).placement).toBeNull();
    expect((await devices.turnOf('tensorflow', ['0'], { sharesProcessor: true })).placement).toBeNull();
  });
});
