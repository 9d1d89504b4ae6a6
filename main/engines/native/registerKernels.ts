/** @file Node. Registers the kernels of the `native` backend with tfjs, and tfjs' cpu kernels for all others. */
import * as tf from '@tensorflow/tfjs-core';
import { registerProjectionsGradient } from '../../model/kernels/projections.ts';
import { BACKEND_NAME, type NativeBackend } from './backend.ts';
import { runOnCpu } from './fallback.ts';
import { attentionKernels } from './kernels/attention.ts';
import { elementwiseKernels } from './kernels/elementwise.ts';
import type { Call, Kernel, KernelTable } from './kernels/kernel.ts';
import { linearKernels } from './kernels/linear.ts';
import { lossKernels } from './kernels/loss.ts';
import { matmulKernels } from './kernels/matmul.ts';
import { normaliseKernels } from './kernels/normalise.ts';
import { reduceKernels } from './kernels/reduce.ts';
import { rowKernels } from './kernels/rows.ts';
import { shapeKernels } from './kernels/shape.ts';

const FAMILIES: readonly KernelTable[] = [
  attentionKernels,
  elementwiseKernels,
  linearKernels,
  lossKernels,
  matmulKernels,
  normaliseKernels,
  reduceKernels,
  rowKernels,
  shapeKernels,
];

/** Once a process; the kernels find their backend in what tfjs hands them. */
export function registerNativeKernels(): void {
  if (tf.getKernel('Identity', BACKEND_NAME) !== undefined) return;
  for (const [name, kernel] of FAMILIES.flat()) register(name, kernel);
  for (const { kernelName } of tf.getKernelsForBackend('cpu'))
    if (tf.getKernel(kernelName, BACKEND_NAME) === undefined) register(kernelName, () => null);
  registerProjectionsGradient();
}

function register(kernelName: string, kernel: Kernel): void {
  tf.registerKernel({
    kernelName,
    backendName: BACKEND_NAME,
    kernelFunc: ({ inputs, attrs, backend: given }) => {
      const backend = given as NativeBackend;
      const call: Call = {
        backend,
        binding: backend.binding,
        name: kernelName,
        inputs: inputs as Call['inputs'],
        attributes: (attrs ?? {}) as Call['attributes'],
      };
      return backend.timed(kernelName, () => kernel(call) ?? runOnCpu(backend, kernelName, call));
    },
  });
}
