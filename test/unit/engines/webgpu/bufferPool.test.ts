/** @file Tests. The buffer pool of the engine webgpu on a real device: what is kept, what goes, what is refused. */
import { afterAll, beforeEach, expect, it } from 'vitest';
import { adapterNamed, findAdapter } from '../../../../main/engines/webgpu/adapters.ts';
import { BufferPool, roundedBytes } from '../../../../main/engines/webgpu/bufferPool.ts';
import { loadDawn } from '../../../../main/engines/webgpu/dawn.ts';
import { openDevice } from '../../../../main/engines/webgpu/device.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { studioErrorOf } from '../../../support/studioErrorOf.ts';

const MEBIBYTE = 2 ** 20;

let device: GPUDevice | undefined;
let usage: number;

beforeEach(async ({ skip }) => {
  engineForTests('webgpu', skip);
  device ??= await openDevice(await findAdapter(await loadDawn(), { name: adapterNamed()! }));
  usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
});

afterAll(() => device?.destroy());

it('rounds sizes up by an eighth at most', () => {
  expect([1, 256, 257, 1000, 1024, 1025, 1100].map(roundedBytes)).toEqual([
    256, 256, 288, 1024, 1024, 1152, 1152,
  ]);
  for (let bytes = 300; bytes < 2 ** 30; bytes = Math.ceil(bytes * 1.37))
    expect(roundedBytes(bytes) / bytes).toBeLessThanOrEqual(1.125);
});

it('gives a buffer again to a tensor of about its size, to an upload only when commands are on their way', () => {
  const pool = new BufferPool(device!, 'a GPU');
  const first = pool.acquireBuffer(1000, usage);
  expect(pool.numBytesUsed).toBe(1024);
  pool.releaseBuffer(first);
  expect(pool.numBytesUsed).toBe(0);
  expect(pool.acquireForUpload(1000, usage)).not.toBe(first);
  expect(pool.acquireBuffer(990, usage)).toBe(first);
  pool.releaseBuffer(first);
  pool.submitted();
  expect(pool.acquireForUpload(1000, usage)).toBe(first);
  expect(pool.numBytesAllocated).toBe(2048);
  pool.dispose();
  expect(pool.numBytesAllocated).toBe(0);
});

it('keeps what was ever needed at once and some more, and lets the oldest go', () => {
  const pool = new BufferPool(device!, 'a GPU');
  const most = 16 * MEBIBYTE * 1.25 + 64 * MEBIBYTE;
  for (let step = 0; step < 40; step++) {
    const buffer = pool.acquireBuffer((10 + step / 8) * MEBIBYTE, usage);
    pool.releaseBuffer(buffer);
    pool.submitted();
    expect(pool.numBytesAllocated).toBeLessThanOrEqual(most);
  }
  expect(pool.getNumFreeBuffers()).toBeGreaterThan(1);
  pool.dispose();
});

it('refuses what the device has not in one piece', () => {
  const pool = new BufferPool(device!, 'a GPU');
  const error = studioErrorOf(() => pool.acquireBuffer(device!.limits.maxBufferSize + 4, usage));
  expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', message: expect.stringContaining('a GPU') });
  expect(error.nextStep).toContain('--micro-batch-tokens');
  expect(pool.numBytesAllocated).toBe(0);
});
