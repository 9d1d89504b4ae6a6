/** @file Node. Kernels that the `native` backend does not have: tfjs' own cpu kernels on copied data, counted by name. */
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { NativeBackend } from './backend.ts';

type Inputs = Readonly<Record<string, tf.TensorInfo | undefined>>;

/** tfjs' cpu backend, without the advertisement that its first use prints. */
function cpuBackend(): MathBackendCPU {
  const backend = tf.engine().findBackend('cpu');
  if (!(backend instanceof MathBackendCPU)) throw new Error('Another backend is called "cpu".');
  Reflect.set(backend, 'firstUse', false);
  return backend;
}

/** @throws Error when tfjs does not have the kernel either */
export function runOnCpu(
  backend: NativeBackend,
  name: string,
  { inputs, attributes }: { inputs: Inputs; attributes: Readonly<Record<string, unknown>> },
): tf.TensorInfo | tf.TensorInfo[] {
  const cpu = cpuBackend();
  const kernel = tf.getKernel(name, 'cpu');
  if (kernel === undefined) throw new Error(`The kernel ${name} is not there for these types.`);
  backend.fallbacks.set(name, (backend.fallbacks.get(name) ?? 0) + 1);
  const copies = Object.entries(inputs).map(
    ([key, tensor]) =>
      [key, tensor === undefined || tensor === null ? tensor : copyToCpu(backend, cpu, tensor)] as const,
  );
  const given = Array.isArray(inputs) ? copies.map(([, copy]) => copy) : Object.fromEntries(copies);
  const outputs = kernel.kernelFunc({
    inputs: given as tf.NamedTensorInfoMap,
    attrs: attributes as tf.NamedAttrMap,
    backend: cpu,
  });
  const back = (Array.isArray(outputs) ? outputs : [outputs]).map((output) => copyBack(backend, cpu, output));
  for (const [, copy] of copies) if (copy) cpu.disposeData(copy.dataId);
  return Array.isArray(outputs) ? back : back[0]!;
}

function copyToCpu(backend: NativeBackend, cpu: MathBackendCPU, tensor: tf.TensorInfo): tf.TensorInfo {
  const { shape, dtype } = tensor;
  const values = backend.readSync(tensor.dataId);
  if (dtype !== 'complex64') return { dataId: cpu.write(values, shape, dtype), shape, dtype };
  const { real, imag } = tf.backend_util.splitRealAndImagArrays(values as Float32Array);
  const part = (numbers: Float32Array) => cpu.makeTensorInfo(shape, 'float32', numbers);
  const complex = tf.getKernel('Complex', 'cpu').kernelFunc;
  return complex({
    inputs: { real: part(real), imag: part(imag) },
    attrs: {},
    backend: cpu,
  }) as tf.TensorInfo;
}

/** The cpu backend may keep values in another type than the tensor has; tfjs' own reading converts them too. */
function copyBack(
  backend: NativeBackend,
  cpu: MathBackendCPU,
  { dataId, shape, dtype }: tf.TensorInfo,
): tf.TensorInfo {
  const copy = { dataId: backend.write(cpu.readSync(dataId), shape, dtype), shape, dtype };
  cpu.disposeData(dataId);
  return copy;
}
