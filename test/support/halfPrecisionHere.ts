/** @file Tests. Work in half precision on the adapter of tests, where it has that. */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { openEngine } from '../../main/engines/registry.ts';
import { choosePrecision } from '../../main/engines/webgpu/registerKernels.ts';
import { engineForTests } from './enginesForTests.ts';
import { type Values, valuesOn } from './onEngine.ts';

/** Of the engine that is open, `webgpu`. */
export const backendHere = () => tf.backend() as WebGPUBackend;

/** Opens `webgpu` and says whether its adapter has half precision. */
export async function hasHalfPrecision(skip: (reason: string) => void): Promise<boolean> {
  await openEngine('webgpu', { dataDirectory: engineForTests('webgpu', skip) });
  return backendHere().device.features.has('shader-f16');
}

/** Skips by name where the adapter has none. */
export async function halfPrecisionForTests(skip: (reason: string) => void): Promise<void> {
  if (!(await hasHalfPrecision(skip))) skip('this adapter has no half precision (shader-f16)');
}

/** As `valuesOn` of `webgpu`, in half precision. */
export async function valuesInHalf(work: () => readonly tf.Tensor[]): Promise<Values> {
  return await valuesOn('webgpu', () => {
    choosePrecision(backendHere(), 'fp16');
    return work();
  });
}
