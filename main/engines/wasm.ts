/** @file Node. The `wasm` engine: tfjs' WebAssembly backend with our own SIMD kernels on its memory. */
import type { AdamVariableFactory } from '../model/adam.ts';
import { registerGradients } from './gradients.ts';
import { wasmAdamVariables } from './wasm/adamVariable.ts';
import { KernelModule } from './wasm/kernelModule.ts';
import { registerWasmKernels } from './wasm/registerKernels.ts';
import { startWasmBackend } from './wasmBackend.ts';

/** Makes the backend current and returns its in-place Adam. */
export async function registerWasm(): Promise<AdamVariableFactory> {
  await registerGradients();
  const kernels = await KernelModule.load(await startWasmBackend());
  registerWasmKernels(kernels);
  return wasmAdamVariables(kernels);
}
