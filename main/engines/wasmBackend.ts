/** @file Node. Starts tfjs' own WebAssembly backend, with the process's handlers left as they were. */
import { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { StudioError } from '../../shared/errors.ts';

/** Makes it tfjs' current backend. @throws StudioError ENGINE_FAILED. */
export async function startWasmBackend(): Promise<BackendWasm> {
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
  return backend;
}
