/** @file Node. Plain tfjs in JavaScript: slow and simple, the reference in tests. Nobody else uses it. */
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { registerGradients } from './gradients.ts';

export async function registerCpu(): Promise<void> {
  await registerGradients();
  await tf.setBackend('cpu');
  // Its first use prints an advertisement for another package.
  if (tf.backend() instanceof MathBackendCPU) Reflect.set(tf.backend(), 'firstUse', false);
}
