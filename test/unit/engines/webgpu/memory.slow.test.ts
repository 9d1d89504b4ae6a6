/**
 * @file Tests. Two hundred steps on the engine webgpu: as many tensors, and as much memory on the device, as after fifty;
 * and each hands its many programs over to the device once for every micro-batch, and once for what ends it.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { planMicroBatches } from '../../../../main/data/batches.ts';
import { type DispatchCounts, programsOf } from '../../../../main/engines/webgpu/dispatch.ts';
import { openWebgpu } from '../../../../main/engines/webgpu.ts';
import { PhiloxSequence } from '../../../../main/model/philox.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { makeTask, PAIRS, someSplit } from '../../../support/smallTask.ts';

const STEPS = 200;
const SETTLED = 50;
/** Our own programs of a micro-batch, with the step's end: 47 or 48 in a step of one, as counted. */
const FEWEST_PROGRAMS = 20;
const MOST_PROGRAMS = 60;

it('stays flat', async ({ skip }) => {
  engineForTests('webgpu', skip);
  const { adamVariables, backend, keepUp } = await openWebgpu({
    dataDirectory: '',
    adapter: process.env['ENTAIL_WEBGPU_ADAPTER']!,
  });
  const changes = { layers: 1, hidden: 8, feedForward: 12, dropout: 0.1, clipNorm: 1 };
  const task = makeTask(changes, adamVariables);
  const split = someSplit();
  const random = new PhiloxSequence(1, 2);
  const { counts } = programsOf(backend);
  const used: { tensors: number; bytesUsed: number; bytesAllocated: number }[] = [];
  for (let step = 1; step <= STEPS; step++) {
    // Another number of rows at almost every step, as batches of real text have.
    const members = Int32Array.from({ length: 2 + random.nextBelow(6) }, () => random.nextBelow(PAIRS));
    const plan = planMicroBatches(split, members, { microBatchTokens: 64 });
    const before = { ...counts };
    const reading = await task.step(plan, { step, lr: 0.001, betweenMicroBatches: keepUp });
    if (step % 25 === 0) expect((await reading.data()).every(Number.isFinite)).toBe(true);
    reading.dispose();
    backend.flush();
    expectFewSubmits(before, counts, plan.length);
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

function expectFewSubmits(before: DispatchCounts, after: DispatchCounts, microBatches: number): void {
  const dispatches = after.dispatches - before.dispatches;
  expect(after.submits - before.submits).toBe(microBatches + 1);
  expect(dispatches).toBeGreaterThan(FEWEST_PROGRAMS * microBatches);
  expect(dispatches).toBeLessThan(MOST_PROGRAMS * microBatches);
}
