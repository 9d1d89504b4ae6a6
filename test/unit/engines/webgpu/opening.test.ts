/** @file Tests. The engine webgpu in software: opens on the adapter that is named, computes, and is read asynchronously. */
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { openEngine } from '../../../../main/engines/registry.ts';

it('multiplies', async () => {
  const { record } = await openEngine('webgpu', { dataDirectory: '' });
  expect(record).toMatchObject({ engine: 'webgpu', device: 'webgpu:0 SwiftShader Device (Subzero)' });
  const a = tf.randomNormal([64, 64], 0, 1, 'float32', 7);
  const product = tf.matMul(a, a);
  expect((await product.data()).length).toBe(4096);
  expect(() => product.add(1).dataSync()).toThrow('by data()');
});
