/**
 * @file Tests. Places among the Entails of one user, with real processes: a run that waits is not passed by a long queue of
 * another data directory, those that wait are served in their order, and a killed one keeps nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStudioDatabase } from '../../../main/db/open.ts';
import { createRun } from '../../../main/db/runs.ts';
import { lockDevices } from '../../../main/engines/deviceLocks.ts';
import { drawTicket, findTickets } from '../../../main/engines/deviceTickets.ts';
import { checkoutEntries } from '../../../main/entries.ts';
import { Databases } from '../../../main/studio/databases.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import { DevicePlaces } from '../../../main/studio/devicePlaces.ts';
import { DeviceService } from '../../../main/studio/devices.ts';
import { EngineService } from '../../../main/studio/engines.ts';
import { type TakenDevices, takeDevices } from '../../../main/studio/takenDevices.ts';
import { openStudio } from '../../../main/studio.ts';
import type { Device, DevicesWish } from '../../../shared/devices.ts';
import { setVariable } from '../../support/fakePrograms.ts';
import { openHosted } from '../../support/hostedStudio.ts';
import {
  FIRST_UUID,
  type NvidiaMachine,
  nvidiaMachine,
  SECOND_UUID,
  seemToInstallCuda,
} from '../../support/nvidiaMachine.ts';
import { sampleConfig, sampleEnvironment } from '../../support/sampleRun.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';
import { until } from '../../support/until.ts';

const GPUS = [FIRST_UUID, SECOND_UUID];
const nobodys = () => false;

let root: string;
let machine: NvidiaMachine;
let devices: DeviceService;
const children: ChildProcess[] = [];

beforeEach(() => {
  setVariable('TMPDIR', temporaryFolder());
  machine = nvidiaMachine();
  root = temporaryFolder();
  seemToInstallCuda(root);
  const databases = new Databases(dataPlaces(root), () => {});
  devices = new DeviceService({ databases, engines: new EngineService(root) });
  return () => databases.close();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

const lockFolder = () => join(process.env['TMPDIR']!, `entail-devices-${process.getuid!()}`);
const ticketFiles = () => readdirSync(lockFolder()).filter((name) => name.includes('.ticket'));
const gpu = async (at: number): Promise<Device> =>
  (await devices.overview()).devices.find(({ name }) => name === `cuda:${at}`)!;
const quiet = { listener: { onReports: () => {} }, signal: undefined };

function take(wish: DevicesWish, purpose = 'a run here'): Promise<TakenDevices> {
  return takeDevices(
    devices,
    { engine: 'tensorflow', wish, waits: true, besidePrograms: false, purpose },
    quiet,
  );
}

/** Another process, with a data directory of its own, that takes devices as `train` does; it says so, and keeps them until it is killed. */
function trainElsewhere(wish: DevicesWish, purpose: string) {
  const home = temporaryFolder();
  seemToInstallCuda(home);
  const module = (path: string) =>
    JSON.stringify(new URL(`../../../main/studio/${path}`, import.meta.url).href);
  const program = `const { Databases } = await import(${module('databases.ts')});
    const { dataPlaces } = await import(${module('dataDirectory.ts')});
    const { DeviceService } = await import(${module('devices.ts')});
    const { EngineService } = await import(${module('engines.ts')});
    const { takeDevices } = await import(${module('takenDevices.ts')});
    const home = ${JSON.stringify(home)};
    const databases = new Databases(dataPlaces(home), () => {});
    const devices = new DeviceService({ databases, engines: new EngineService(home) });
    const taking = { engine: 'tensorflow', wish: ${JSON.stringify(wish)}, waits: true, besidePrograms: false, purpose: ${JSON.stringify(purpose)} };
    await takeDevices(devices, taking, { listener: { onReports: () => {} }, signal: undefined });
    console.log('taken');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const state = { hasTaken: false, child };
  child.stdout!.once('data', () => (state.hasTaken = true));
  return state;
}

const ended = (child: ChildProcess) =>
  new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGKILL');
  });

describe('a process that waits for both GPUs', { timeout: 60_000 }, () => {
  it('gets them, though another one takes each again the moment that it gives it up', async () => {
    const runs = new Map([
      [0, await take(['0'])],
      [1, await take(['1'])],
    ]);
    const other = trainElsewhere('all', 'the long wait');
    await until(() => findTickets(GPUS, nobodys).length === 2);
    // A long queue: the next run of a GPU asks for it before anybody else can look.
    const next: Promise<TakenDevices>[] = [];
    for (const [at, { lock }] of runs) {
      lock.release();
      next.push(take([String(at)]));
    }
    await until(() => other.hasTaken);
    await ended(other.child);
    for (const { lock } of await Promise.all(next)) lock.release();
    expect(ticketFiles()).toEqual([]);
  });

  it('is named to those whom it keeps from a free GPU, and keeps it no longer when it is killed', async () => {
    const first = await take(['0']);
    const other = trainElsewhere('all', 'the long wait');
    await until(() => findTickets(GPUS, nobodys).length === 2);
    const wish = { sharesProcessor: true };
    const { waitsFor } = await devices.turnOf('tensorflow', ['1'], wish);
    const holder = { kind: 'entailBefore', pid: other.child.pid, purpose: 'the long wait' };
    expect(waitsFor).toEqual([{ device: 'cuda:1', holder }]);
    await ended(other.child);
    expect((await devices.turnOf('tensorflow', ['1'], wish)).placement).toMatchObject([{ name: 'cuda:1' }]);
    first.lock.release();
  });
});

describe('processes that wait for one GPU', { timeout: 60_000 }, () => {
  it('get it in the order in which they came', async () => {
    const first = await take(['0']);
    const second = trainElsewhere(['0'], 'second');
    await until(() => findTickets(GPUS, nobodys).length === 1);
    const third = trainElsewhere(['0'], 'third');
    await until(() => findTickets(GPUS, nobodys).length === 2);
    first.lock.release();
    await until(() => second.hasTaken);
    expect(third.hasTaken).toBe(false);
    await ended(second.child);
    await until(() => third.hasTaken);
  });
});

describe('the places of a queue', () => {
  const turnOf = async (wish: DevicesWish, places: DevicePlaces, run: string) => {
    const mine = { ticketOf: () => places.ticketOf(run), owns: places.owns.bind(places) };
    const asking = { sharesProcessor: true, places: mine };
    return { ...(await devices.turnOf('tensorflow', wish, asking)), run };
  };

  it('are one a GPU: its other runs wait behind whoever came before they are the next', async () => {
    const lock = lockDevices([await gpu(0)], 'somebody');
    const places = new DevicePlaces();
    await places.keep(await Promise.all(['a', 'b'].map((run) => turnOf(['0'], places, run))));
    expect(places.ticketOf('a')).not.toBeNull();
    expect(places.ticketOf('b')).toBeNull();
    const before = places.ticketOf('a');
    await places.keep([await turnOf(['0'], places, 'a')]);
    expect(places.ticketOf('a')).toBe(before);
    await places.keep([await turnOf(['0'], places, 'b')]);
    expect(places.ticketOf('a')).toBeNull();
    expect(places.ticketOf('b')! > before!).toBe(true);
    places.leave();
    expect(ticketFiles()).toEqual([]);
    lock.release();
  });

  it('are not taken while a program must end first', async () => {
    machine.setProcesses([`${FIRST_UUID}, 1, /usr/bin/python3, 2048`]);
    const lock = lockDevices([await gpu(1)], 'somebody');
    const places = new DevicePlaces();
    await places.keep([await turnOf('all', places, 'a')]);
    expect(places.ticketOf('a')).toBeNull();
    await places.keep([await turnOf(1, places, 'a')]);
    expect(findTickets(GPUS, nobodys).map(({ gpu: uuid }) => uuid)).toEqual([SECOND_UUID]);
    places.leave();
    lock.release();
  });
});

describe('a queue', { timeout: 60_000 }, () => {
  function enqueue(): string {
    const config = { ...sampleConfig(), engine: 'tensorflow' as const };
    const queue = { place: 0, threads: null };
    const store = openStudioDatabase(join(root, 'studio.db'));
    const run = createRun(store, { config, environment: sampleEnvironment, devices: ['0'], queue });
    store.close();
    return run;
  }

  it('of a studio has a place while it waits for another process, and none while it is paused or closed', async () => {
    const run = enqueue();
    const other = trainElsewhere(['0'], 'the other');
    await until(() => other.hasTaken);
    const studio = openHosted(root);
    const pids = () => findTickets(GPUS, nobodys).map(({ pid, purpose }) => [pid, purpose]);
    await until(() => pids().length > 0);
    expect(pids()).toEqual([[process.pid, `run ${run}`]]);
    await studio.dispatch('queue/pause', { paused: true });
    await until(() => pids().length === 0);
    await studio.dispatch('queue/pause', { paused: false });
    await until(() => pids().length > 0);
    await studio.close();
    expect(pids()).toEqual([]);
  });

  it('worked through at the command line has one, too, and does not show as an obstacle of its own run', async () => {
    const run = enqueue();
    const lock = lockDevices([await gpu(0)], 'somebody');
    const { queue, close } = openStudio({
      dataDirectory: root,
      entries: checkoutEntries(),
      version: '0.0.0',
      onNotice: () => {},
    });
    const work = queue.work();
    expect(await work.next()).toMatchObject({ kind: 'busy', run });
    expect(findTickets(GPUS, nobodys)).toMatchObject([{ purpose: `run ${run}` }]);
    lock.release();
    expect((await queue.blocks()).get(run)).toEqual([]);
    expect(await work.next()).toMatchObject({ kind: 'run', id: run });
    work.release();
    expect(ticketFiles()).toEqual([]);
    close();
  });
});

describe('a ticket', () => {
  it('that its process left behind means nothing, and is removed when it is old', () => {
    const ticket = drawTicket([FIRST_UUID], 'run r7f3k2');
    expect(findTickets(GPUS, nobodys)).toEqual([
      { id: ticket.id, gpu: FIRST_UUID, pid: process.pid, purpose: 'run r7f3k2' },
    ]);
    expect(findTickets(GPUS, ({ id }) => id === ticket.id)).toEqual([]);
    expect(findTickets([SECOND_UUID], nobodys)).toEqual([]);
    ticket.release();
    const left = join(lockFolder(), `${ticket.id}+${FIRST_UUID}.ticket`);
    writeFileSync(left, '');
    expect(findTickets(GPUS, nobodys)).toEqual([]);
    expect(ticketFiles()).toHaveLength(1);
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(left, longAgo, longAgo);
    expect(findTickets(GPUS, nobodys)).toEqual([]);
    expect(ticketFiles()).toEqual([]);
  });
});
