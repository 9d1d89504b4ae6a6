/** @file Tests. The wasm engine says that its memory is full, instead of writing where everything else lies. */
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { registerWasm } from '../../../main/engines/wasm.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';

const SHAPE = [128 * 1024 * 1024];

it('says so when a tensor of tfjs itself finds no place', async () => {
  await registerWasm();
  const backend = tf.backend() as BackendWasm;
  // Tensors that nobody writes into cost the machine nothing: filling 4 GiB would take a busy one a minute.
  let made = 0;
  const fill = () => {
    for (; made < 20; made++) backend.makeOutput(SHAPE, 'float32');
  };
  const error = studioErrorOf(fill);
  expect(made).toBeGreaterThan(0);
  expect(error).toMatchObject({
    code: 'OUT_OF_MEMORY',
    nextStep: expect.stringContaining('--micro-batch-tokens'),
  });
  expect(studioErrorOf(() => tf.zeros(SHAPE)).code).toBe('OUT_OF_MEMORY');
});

it('says so when one tensor is larger than all of its memory', async () => {
  await registerWasm();
  const row = tf.ones([1, 35_000]);
  // 35,000 × 35,000 numbers: 4.9 GB, whose lower 32 bits are 0.6 GB.
  const error = studioErrorOf(() => tf.tidy(() => tf.matMul(row, row, true)));
  expect(error.code).toBe('OUT_OF_MEMORY');
  row.dispose();
});
