/** @file Node. Kernels of tfjs' WebGPU backend that training needs otherwise than it has them. */
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';

/** As tfjs names its backend. */
const BACKEND_NAME = 'webgpu';

type Sum = (args: { inputs: tf.TensorInfo[]; backend: WebGPUBackend }) => tf.TensorInfo;

/** Once a process, after tfjs has registered its own. */
export function registerPlainKernels(): void {
  const own = tf.getKernel(tf.AddN, BACKEND_NAME);
  if (own === undefined || own.kernelFunc.name === 'addMany') return;
  const addFew = own.kernelFunc as unknown as Sum;
  /** tfjs binds all terms at once, but a device has places for a few; the order of additions is fixed. */
  function addMany({ inputs, backend }: { inputs: tf.TensorInfo[]; backend: WebGPUBackend }): tf.TensorInfo {
    const most = backend.device.limits.maxStorageBuffersPerShaderStage - 1;
    let sum = addFew({ inputs: inputs.slice(0, most), backend });
    for (let at = most; at < inputs.length; at += most - 1) {
      const terms = [sum, ...inputs.slice(at, at + most - 1)];
      const larger = addFew({ inputs: terms, backend });
      backend.disposeData(sum.dataId);
      sum = larger;
    }
    return sum;
  }
  tf.unregisterKernel(tf.AddN, BACKEND_NAME);
  tf.registerKernel({ ...own, kernelFunc: addMany as unknown as tf.KernelFunc });
}
