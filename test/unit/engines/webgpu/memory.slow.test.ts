/** @file Tests. Two hundred steps on the engine webgpu: as many tensors, and as much memory on the device, as after fifty. */
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { planMicroBatches } from '../../../../main/data/batches.ts';
import { openWebgpu } from '../../../../main/engines/webgpu.ts';
import { PhiloxSequence } from '../../../../main/model/philox.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { makeTask, PAIRS, someSplit } from '../../../support/smallTask.ts';

const STEPS = 200;
const SETTLED = 50;

it('stays flat', async ({ skip }) => {
  engineForTests('webgpu', skip);
  const { adamVariables, backend, keepUp } = await openWebgpu({
    adapter: process.env['ENTAIL_WEBGPU_ADAPTER']!,
  });
  const changes = { layers: 1, hidden: 8, feedForward: 12, dropout: 0.1, clipNorm: 1 };
  const task = makeTask(changes, adamVariables);
  const split = someSplit();
  const random = new PhiloxSequence(1, 2);
  const used: { tensors: number; bytesUsed: number; bytesAllocated: number }[] = [];
  for (let step = 1; step <= STEPS; step++) {
    // Another number of rows at almost every step, as batches of real text have.
    const members = Int32Array.from({ length: 2 + random.nextBelow(6) }, () => random.nextBelow(PAIRS));
    const plan = planMicroBatches(split, members, { microBatchTokens: 64 });
    const reading = await task.step(plan, { step, lr: 0.001, betweenMicroBatches: keepUp });
    if (step % 25 === 0) expect((await reading.data()).every(Number.isFinite)).toBe(true);
    reading.dispose();
    backend.flush();
    const { numTensors } = tf.memory();
    const { numBytesInGPU, numBytesAllocatedInGPU } = backend.memory();
    used.push({ tensors: numTensors, bytesUsed: numBytesInGPU, bytesAllocated: numBytesAllocatedInGPU });
  }
  const most = (figures: typeof used, of: keyof (typeof used)[number]) =>
    Math.max(...figures.map((one) => one[of]));
  const [first, rest] = [used.slice(0, SETTLED), used.slice(SETTLED)];
  expect(most(rest, 'tensors')).toBe(most(first, 'tensors'));
  // Index arrays stay for a few submits: how many there are differs.
  expect(most(rest, 'bytesUsed')).toBeLessThan(1.1 * most(first, 'bytesUsed'));
  expect(most(rest, 'bytesAllocated')).toBeLessThan(1.3 * most(first, 'bytesAllocated'));
  task.dispose();
});
