/** @file Node. The `wasm` engine: tfjs' WebAssembly backend with our own SIMD kernels on its memory. */
import { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { StudioError } from '../../shared/errors.ts';
import type { AdamVariableFactory } from '../model/adam.ts';
import { registerGradients } from './gradients.ts';
import { wasmAdamVariables } from './wasm/adamVariable.ts';
import { KernelModule } from './wasm/kernelModule.ts';
import { registerWasmKernels } from './wasm/registerKernels.ts';

/** Makes the backend current and returns its in-place Adam. */
export async function registerWasm(): Promise<AdamVariableFactory> {
  await registerGradients();
  // Emscripten installs handlers that would swallow the process's own; ours are put back.
  const listeners = ['uncaughtException', 'unhandledRejection'] as const;
  const before = listeners.map((event) => new Set<unknown>(process.listeners(event as 'uncaughtException')));
  if (!(await tf.setBackend('wasm')))
    throw new StudioError('ENGINE_FAILED', 'The wasm engine did not start.', {
      nextStep: 'Run `npx --no entail engines doctor` and report what it says.',
    });
  listeners.forEach((event, position) => {
    for (const listener of process.listeners(event as 'uncaughtException'))
      if (!before[position]!.has(listener)) process.removeListener(event, listener);
  });
  const backend = tf.backend();
  if (!(backend instanceof BackendWasm))
    throw new StudioError('ENGINE_FAILED', 'Another backend is called "wasm".');
  const kernels = await KernelModule.load(backend);
  registerWasmKernels(kernels);
  return wasmAdamVariables(kernels);
}
