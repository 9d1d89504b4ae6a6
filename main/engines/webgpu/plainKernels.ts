/** @file Node. Kernels of tfjs' WebGPU backend that training needs otherwise than it has them. */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { programsOf } from './dispatch.ts';
import { addedHalves } from './kernels/addHalves.ts';

/** As tfjs names its backend. */
const BACKEND_NAME = 'webgpu';

type Sum = (args: { inputs: tf.TensorInfo[]; backend: WebGPUBackend }) => tf.TensorInfo;

type Addition = (args: {
  inputs: { a: tf.TensorInfo; b: tf.TensorInfo };
  backend: WebGPUBackend;
}) => tf.TensorInfo;

/** Once a process, after tfjs has registered its own. */
export function registerPlainKernels(): void {
  if (isRegistered) return;
  isRegistered = true;
  replace(tf.AddN, (own: Sum): Sum => addMany(own));
  replace(tf.Add, (own: Addition): Addition => addTwo(own));
}

let isRegistered = false;

function replace<Kernel>(name: string, make: (own: Kernel) => Kernel): void {
  const own = tf.getKernel(name, BACKEND_NAME);
  if (own === undefined) return;
  tf.unregisterKernel(name, BACKEND_NAME);
  const kernelFunc = make(own.kernelFunc as unknown as Kernel) as unknown as tf.KernelFunc;
  tf.registerKernel({ ...own, kernelFunc });
}

/** tfjs binds all terms at once, but a device has places for a few; the order of additions is fixed. */
const addMany =
  (addFew: Sum): Sum =>
  ({ inputs, backend }) => {
    const most = backend.device.limits.maxStorageBuffersPerShaderStage - 1;
    let sum = addFew({ inputs: inputs.slice(0, most), backend });
    for (let at = most; at < inputs.length; at += most - 1) {
      const terms = [sum, ...inputs.slice(at, at + most - 1)];
      const larger = addFew({ inputs: terms, backend });
      backend.disposeData(sum.dataId);
      sum = larger;
    }
    return sum;
  };

/** tfjs would have both gradients made wide first. */
const addTwo =
  (add: Addition): Addition =>
  ({ inputs, backend }) =>
    addedHalves(programsOf(backend), inputs.a, inputs.b) ?? add({ inputs, backend });
