/** @file Node. Sums of the `wasm` engine, and tfjs' Sum on top of them. */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelModule } from './kernelModule.ts';

/** out [W] = Σ over rows [R, W], at the addresses (rows, out). */
export function columnSumsInto(
  kernels: KernelModule,
  [from, to]: readonly [number, number],
  [rows, width]: readonly [number, number],
): void {
  const { scratch } = kernels.workspace(kernels.call('columnSumsWorkspaceBytes', width));
  kernels.call('columnSums', from, to, rows, width, scratch);
}

/**
 * Replaces tfjs' kernel for sums over the first axes or the last ones: it adds all numbers one after another, which loses
 * a decimal place over thousands. Other sums stay with it.
 */
export function registerSum(kernels: KernelModule): void {
  const { kernelFunc: ofTfjs } = tf.getKernel('Sum', 'wasm');
  tf.unregisterKernel('Sum', 'wasm');
  tf.registerKernel({
    kernelName: 'Sum',
    backendName: 'wasm',
    kernelFunc: (call) => {
      const x = call.inputs.x as tf.TensorInfo;
      const { axis, keepDims } = call.attrs as unknown as { axis: number | number[]; keepDims: boolean };
      const axes = tf.util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
      const around = x.dtype === 'float32' ? sizesAround(x.shape, axes) : null;
      if (around === null) return ofTfjs(call);
      const kept = x.shape.map((size, at) => (axes.includes(at) ? 1 : size));
      const out = kernels.output(keepDims ? kept : kept.filter((_, at) => !axes.includes(at)));
      const [from, to] = [kernels.address(x), kernels.address(out)];
      const { before, summed, after } = around;
      if (after === 1) kernels.call('rowSums', from, to, before, summed);
      else columnSumsInto(kernels, [from, to], [summed, after]);
      return out;
    },
  });
}

/** Numbers before, along and after the axes; null where they are neither the first nor the last ones. */
function sizesAround(shape: readonly number[], axes: readonly number[]) {
  const [first, last] = [axes[0] ?? shape.length, axes.at(-1) ?? shape.length - 1];
  if (last - first + 1 !== axes.length) return null;
  const product = (sizes: readonly number[]) => sizes.reduce((total, size) => total * size, 1);
  const before = product(shape.slice(0, first));
  const after = product(shape.slice(last + 1));
  return before === 1 || after === 1
    ? { before, summed: product(shape.slice(first, last + 1)), after }
    : null;
}
