/** @file Tests. The wasm engine says that its memory is full, instead of writing where everything else lies. */
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { registerWasm } from '../../../main/engines/wasm.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';

it('says so when a tensor of tfjs itself finds no place', async () => {
  await registerWasm();
  const error = studioErrorOf(() =>
    tf.tidy(() => Array.from({ length: 20 }, () => tf.zeros([128 * 1024 * 1024]))),
  );
  expect(error).toMatchObject({
    code: 'OUT_OF_MEMORY',
    nextStep: expect.stringContaining('--micro-batch-tokens'),
  });
});
