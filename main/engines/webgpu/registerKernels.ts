/** @file Node. Registers our own kernels, in WGSL, beside those that tfjs' WebGPU backend has for all other ops. */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { registerProjectionsGradient } from '../../model/kernels/projections.ts';
import { BACKEND_NAME } from './backend.ts';
import { programsOf } from './dispatch.ts';
import { additionKernels } from './kernels/addKeepingRest.ts';
import { attentionKernels } from './kernels/attention.ts';
import { countCorrectKernels } from './kernels/countCorrect.ts';
import { crossEntropyKernels } from './kernels/crossEntropy.ts';
import { dropoutKernels } from './kernels/dropout.ts';
import { embedKernels } from './kernels/embed.ts';
import { gradientNormKernels } from './kernels/gradientNorm.ts';
import type { Call, Kernel, KernelTable, WebgpuPrecision } from './kernels/kernel.ts';
import { linearKernels } from './kernels/linear.ts';
import { normaliseKernels } from './kernels/normalise.ts';
import { pooledAttentionKernels } from './kernels/pooledAttention.ts';
import { projectionKernels } from './kernels/projections.ts';
import { rowKernels } from './kernels/rows.ts';

const FAMILIES: readonly KernelTable[] = [
  additionKernels,
  attentionKernels,
  countCorrectKernels,
  crossEntropyKernels,
  dropoutKernels,
  embedKernels,
  gradientNormKernels,
  linearKernels,
  normaliseKernels,
  pooledAttentionKernels,
  projectionKernels,
  rowKernels,
];

/** Precision of matrix products by backend; single where nothing was chosen. */
const precisions = new WeakMap<WebGPUBackend, WebgpuPrecision>();

/** @throws Error for fp16 on a device that was not opened with `shader-f16` */
export function choosePrecision(backend: WebGPUBackend, precision: WebgpuPrecision): void {
  if (precision === 'fp16' && !backend.device.features.has('shader-f16'))
    throw new Error('This device has no half precision (shader-f16).');
  precisions.set(backend, precision);
}

/** Once a process; the kernels find their backend in what tfjs hands them. */
export function registerWebgpuKernels(): void {
  for (const [name, kernel] of FAMILIES.flat())
    if (tf.getKernel(name, BACKEND_NAME) === undefined) register(name, kernel);
  registerProjectionsGradient();
}

function register(kernelName: string, kernel: Kernel): void {
  tf.registerKernel({
    kernelName,
    backendName: BACKEND_NAME,
    kernelFunc: ({ inputs, attrs, backend: given }) => {
      const backend = given as WebGPUBackend;
      return kernel({
        programs: programsOf(backend),
        precision: precisions.get(backend) ?? 'fp32',
        name: kernelName,
        inputs: inputs as Call['inputs'],
        attributes: (attrs ?? {}) as Call['attributes'],
      });
    },
  });
}
