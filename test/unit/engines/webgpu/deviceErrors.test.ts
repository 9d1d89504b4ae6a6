/**
 * @file Tests. What a device says that has too little memory, and an adapter that has too little of anything else: on
 * Dawn's device without a GPU, whose memory is 512 MiB and whose adapter gives one device only.
 */
import { expect, it } from 'vitest';
import type { FoundAdapter } from '../../../../main/engines/webgpu/adapters.ts';
import { loadDawn } from '../../../../main/engines/webgpu/dawn.ts';
import { openDevice, USED_FEATURES } from '../../../../main/engines/webgpu/device.ts';
import { DeviceFailure } from '../../../../main/engines/webgpu/deviceFailure.ts';
import { studioErrorOf, studioRejectionOf } from '../../../support/studioErrorOf.ts';

const NAME = 'GPU without memory';

async function withoutGpu(): Promise<FoundAdapter> {
  const gpu = (await loadDawn()).create(['backend=null']);
  const adapter = await gpu.requestAdapter();
  return { adapter: adapter!, gpu, name: NAME, isSoftware: true, api: 'null', driver: '' };
}

it('memory that is full is told as such, and what to do about it', async () => {
  const device = await openDevice(await withoutGpu());
  const failure = new DeviceFailure(device, NAME);
  const takeHalf = () => device.createBuffer({ size: 2 ** 28, usage: GPUBufferUsage.STORAGE });
  const taken = [takeHalf(), takeHalf()];
  await device.queue.onSubmittedWorkDone();
  expect(failure.hasFailed).toBe(false);
  taken.push(takeHalf());
  await device.queue.onSubmittedWorkDone();
  const error = studioErrorOf(() => failure.check());
  expect(error).toMatchObject({
    code: 'OUT_OF_MEMORY',
    message: expect.stringContaining(`The memory of ${NAME} is full`),
    nextStep: expect.stringContaining('--micro-batch-tokens'),
  });
  // What follows from it, such as a wait that is rejected, is no other failure.
  device.createBuffer({ size: 16, usage: 0xffff });
  await device.queue.onSubmittedWorkDone();
  expect(failure.errorOf(new Error('a wait was rejected'))).toBe(error);
  for (const buffer of taken) buffer.destroy();
  device.destroy();
});

it('a device that is closed on purpose has not failed', async () => {
  const device = await openDevice(await withoutGpu());
  const failure = new DeviceFailure(device, NAME);
  failure.expectLoss();
  device.destroy();
  await device.lost;
  expect(failure.hasFailed).toBe(false);
});

it('an adapter that can too little is refused by its name and what it lacks', async () => {
  const found = await withoutGpu();
  const { limits } = found.adapter;
  const least = new Proxy(limits, {
    get: (_, name) => (name === 'maxStorageBuffersPerShaderStage' ? 4 : Reflect.get(limits, name, limits)),
  });
  const adapter = { limits: least, features: found.adapter.features } as GPUAdapter;
  expect(await studioRejectionOf(openDevice({ ...found, adapter }))).toMatchObject({
    code: 'ENGINE_FAILED',
    message: `The GPU ${NAME} can too little: maxStorageBuffersPerShaderStage is 4 instead of 8.`,
    nextStep: expect.stringContaining('--engine native'),
  });
});

it('an adapter that gives no device is refused with the reason of its driver', async () => {
  const found = await withoutGpu();
  const device = await openDevice(found);
  const error = await studioRejectionOf(openDevice(found));
  expect(error.code).toBe('ENGINE_FAILED');
  expect(error.message).toMatch(`The GPU ${NAME} gives no device: adapter is "consumed"`);
  device.destroy();
});

it('a device has of the features that kernels use those of its adapter, and its limits', async () => {
  const found = await withoutGpu();
  const device = await openDevice(found);
  const { features, limits } = found.adapter;
  const there = USED_FEATURES.filter((one) => features.has(one));
  expect(USED_FEATURES.filter((one) => device.features.has(one))).toEqual(there);
  expect(there).not.toEqual([]);
  expect(device.limits.maxBufferSize).toBe(limits.maxBufferSize);
  device.destroy();
});
