/** @file Tests. A GPU that is there and that TensorFlow cannot compute on: taken by no run, and refused by its name with the reason. */
import { beforeEach, expect, it } from 'vitest';
import { waitingRuns } from '../../../main/db/queue.ts';
import { createRun } from '../../../main/db/runs.ts';
import { lockDevices } from '../../../main/engines/deviceLocks.ts';
import { Databases } from '../../../main/studio/databases.ts';
import { dataPlaces } from '../../../main/studio/dataDirectory.ts';
import { DevicePlaces } from '../../../main/studio/devicePlaces.ts';
import { DeviceService } from '../../../main/studio/devices.ts';
import { EngineService } from '../../../main/studio/engines.ts';
import type { DevicesWish } from '../../../shared/devices.ts';
import { setVariable } from '../../support/fakePrograms.ts';
import { FIRST_UUID, nvidiaMachine, SECOND_UUID, seemToInstallCuda } from '../../support/nvidiaMachine.ts';
import { sampleConfig, sampleEnvironment } from '../../support/sampleRun.ts';
import { temporaryFolder } from '../../support/temporaryFolder.ts';

const REFUSAL = {
  code: 'NOT_FOUND',
  message:
    'The engine tensorflow cannot compute on cuda:1: TensorFlow needs compute capability 6.0, and here is GTX 980 (5.2).',
  nextStep:
    'Name another device (npx --no entail devices shows what there is). Use --engine webgpu or native, which need no CUDA.',
};

let databases: Databases;
let devices: DeviceService;
let engines: EngineService;

beforeEach(() => {
  setVariable('TMPDIR', temporaryFolder());
  nvidiaMachine([
    `0, ${FIRST_UUID}, NVIDIA A100, 40960, 580.95.05, 8.0, 0x20B010DE`,
    `1, ${SECOND_UUID}, GTX 980, 4096, 580.95.05, 5.2, 0x13C010DE`,
  ]);
  const root = temporaryFolder();
  seemToInstallCuda(root);
  databases = new Databases(dataPlaces(root), () => {});
  engines = new EngineService(root);
  devices = new DeviceService({ databases, engines });
  return () => databases.close();
});

const taken = async (wish: DevicesWish) =>
  (await devices.turnOf('tensorflow', wish, { sharesProcessor: true })).placement?.map(({ name }) => name);

it.each([1, 2, 'free', 'all'] as const)('is not taken by a run that asks for %s', async (wish) => {
  expect(await taken(wish)).toEqual(['cuda:0']);
});

it.each([1, 'free', 'all'] as const)('is waited past by one that asks for %s: the able one', async (wish) => {
  const lock = lockDevices((await engines.devices('tensorflow')).slice(0, 1), 'another run');
  expect(await taken(wish)).toBeUndefined();
  lock.release();
});

it.each([[['1']], [['cuda:1']], [['0', '1']]])('is refused by name: %j', async (wish) => {
  await expect(devices.require('tensorflow', wish)).rejects.toMatchObject(REFUSAL);
  await expect(devices.counts('tensorflow', wish)).rejects.toMatchObject(REFUSAL);
  await expect(taken(wish)).rejects.toMatchObject(REFUSAL);
});

it('is refused to a run that waits', async () => {
  const config = { ...sampleConfig(), engine: 'tensorflow' as const };
  const queue = { place: 1, threads: null };
  createRun(databases.store(), { config, environment: sampleEnvironment, devices: ['1'], queue });
  const [turn] = await devices.turns(waitingRuns(databases.store()), new DevicePlaces());
  expect(turn?.placement).toMatchObject(REFUSAL);
});

it('is told from one that is not there', async () => {
  await expect(devices.require('tensorflow', ['2'])).rejects.toMatchObject({
    message: 'There is no device "2" for this engine; there is cuda:0, cpu.',
  });
});
