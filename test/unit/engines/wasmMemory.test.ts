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
