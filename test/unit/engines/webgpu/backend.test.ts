/** @file Tests. tfjs on the engine webgpu: values in and out, kernels of tfjs that training needs, memory, failures. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { StudioWebgpuBackend } from '../../../../main/engines/webgpu/backend.ts';
import { openWebgpu } from '../../../../main/engines/webgpu.ts';
import { gradientNorm } from '../../../../main/model/kernels/gradientNorm.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { Inputs, valuesOn } from '../../../support/onEngine.ts';
import { studioErrorOf, studioRejectionOf } from '../../../support/studioErrorOf.ts';

let backend: StudioWebgpuBackend;

beforeEach(async ({ skip }) => {
  engineForTests('webgpu', skip);
  ({ backend } = await openWebgpu({ dataDirectory: '', adapter: process.env['ENTAIL_WEBGPU_ADAPTER']! }));
});

/** More than tfjs computes on the processor. */
const SIZE = 2000;
const large = (seed: number) => tf.tensor(new Inputs(seed).normal(SIZE));

it('tells of every program that the driver has compiled, ours and those of tfjs, at its first use', async () => {
  let compiled = 0;
  const adapter = process.env['ENTAIL_WEBGPU_ADAPTER']!;
  await openWebgpu({ dataDirectory: '', adapter, compiled: () => compiled++ });
  const work = () => tf.tidy(() => [gradientNorm([large(1)]), tf.atan(large(2))]);
  tf.dispose(work());
  const first = compiled;
  expect(first).toBeGreaterThanOrEqual(3);
  tf.dispose(work());
  expect(compiled).toBe(first);
});

describe('values', () => {
  it('come back as they were given, by their type', async () => {
    const numbers = new Inputs(1).normal(SIZE);
    const [doubled, negative, flags] = tf.tidy(() => [
      tf.mul(tf.tensor(numbers), 2),
      tf.neg(
        tf.tensor(
          Int32Array.from({ length: SIZE }, (_, at) => at),
          [SIZE],
          'int32',
        ),
      ),
      tf.greater(tf.tensor(numbers), 0),
    ]) as [tf.Tensor, tf.Tensor, tf.Tensor];
    expect(await doubled.data()).toEqual(numbers.map((value) => 2 * value));
    expect((await negative.data())[SIZE - 1]).toBe(1 - SIZE);
    expect(await flags.data()).toEqual(Uint8Array.from(numbers, (value) => Number(value > 0)));
    tf.dispose([doubled, negative, flags]);
  });

  it('are read asynchronously only', async () => {
    const sum = tf.tidy(() => tf.add(large(1), 1));
    expect(() => sum.dataSync()).toThrow('by data(), not by dataSync()');
    sum.dispose();
    // What never left this side may be read.
    expect(tf.tidy(() => tf.scalar(7).dataSync())[0]).toBe(7);
  });

  it('are not kept here after reading: a tensor may change in place', async () => {
    const sum = tf.tidy(() => tf.add(large(1), 1));
    await sum.data();
    expect(backend.tensorMap.get(sum.dataId).values ?? null).toBeNull();
    sum.dispose();
  });
});

function expectClose(actual: ArrayLike<number>, wanted: ArrayLike<number>, most: number): void {
  const off = Array.from(actual, (value, at) => Math.abs(value - wanted[at]!));
  expect(Math.max(...off)).toBeLessThan(most);
}

describe('kernels', () => {
  it('add up more tensors than a device has places for, always in the same order', async () => {
    const sum = () => [tf.addN(Array.from({ length: 45 }, (_, seed) => large(seed + 1)))];
    const [here] = await valuesOn('webgpu', sum);
    const [again] = await valuesOn('webgpu', sum);
    const [there] = await valuesOn('cpu', sum);
    expect(here).toEqual(again);
    expectClose(here!, there!, 1e-5);
  });

  it('give the same product every time, however long its sums are', async () => {
    const product = () => {
      const a = tf.tensor2d(new Inputs(3).normal(24 * 4000), [24, 4000]);
      return [tf.matMul(a, a, false, true)];
    };
    const [here] = await valuesOn('webgpu', product);
    const [again] = await valuesOn('webgpu', product);
    const [there] = await valuesOn('cpu', product);
    expect(here).toEqual(again);
    expectClose(here!, there!, 0.05);
  });
});

describe('memory', () => {
  it('of tensors that are gone serves the next ones before their commands have run', () => {
    const begin = backend.memory().numBytesInGPU;
    tf.tidy(() => {
      let sum = large(1);
      for (let turn = 0; turn < 50; turn++) {
        const next = tf.add(sum, 1);
        sum.dispose();
        sum = next;
      }
    });
    expect(backend.memory().numBytesInGPU).toBeLessThan(begin + 10 * 4 * SIZE + 50 * 256);
  });
});

describe('a device', () => {
  it('refuses a tensor that is larger than it takes', () => {
    const { maxBufferSize } = backend.device.limits;
    const rows = Math.ceil(maxBufferSize / 4 / SIZE) + 1;
    const error = studioErrorOf(() =>
      tf.tidy(() => tf.mul(large(1).reshape([1, SIZE]), tf.ones([rows, 1]).add(0))),
    );
    expect(error.code).toBe('OUT_OF_MEMORY');
    expect(backend.failure.hasFailed).toBe(false);
  });

  it('that finds a command wrong says so at the next step', async () => {
    const tensor = tf.tidy(() => tf.add(large(1), 1));
    backend.device.createBuffer({ size: 16, usage: 0xffff });
    const error = await studioRejectionOf(tensor.data());
    expect(error).toMatchObject({ code: 'ENGINE_FAILED', message: expect.stringContaining(backend.title) });
    expect(await studioRejectionOf(backend.keepUp())).toBe(error);
  });

  it('that is lost fails what waits for it and what comes after; opening the engine again takes another', async () => {
    const tensor = tf.tidy(() => tf.add(large(1), 1));
    const reading = tensor.data();
    backend.device.destroy();
    expect(await studioRejectionOf(reading)).toMatchObject({ code: 'DEVICE_LOST' });
    expect((await studioRejectionOf(backend.keepUp())).message).toContain(backend.title);
    const [sum] = await valuesOn('webgpu', () => [tf.add(tf.ones([SIZE]), 1)]);
    expect(sum![SIZE - 1]).toBe(2);
  });
});
