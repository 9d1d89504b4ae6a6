/** @file Node. Kernels that reduce axes, and softmax over the last one. */
import { backend_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { BufferType, Reduction } from '../binding.ts';
import { type Call, input, type Kernel, type KernelTable } from './kernel.ts';
import { transposed } from './shape.ts';

const FLOATS: readonly (readonly [string, Reduction])[] = [
  ['Sum', 'sum'],
  ['Mean', 'mean'],
  ['Max', 'max'],
  ['Min', 'min'],
  ['Prod', 'prod'],
];

interface Plan {
  readonly operation: Reduction;
  readonly from: BufferType;
  readonly to: BufferType;
}

/** The attribute is `axis` (Max calls it `reductionIndices`). */
function axesOf({ attributes }: Call, shape: number[]): number[] {
  return util.parseAxisParam((attributes['axis'] ?? attributes['reductionIndices']) as number[], shape);
}

/** Reduced axes go last, by a transposition where they are not. */
function reduce({ operation, from, to }: Plan): Kernel {
  return (call) => {
    const x = input(call, 'x');
    if (x.dtype !== from) return null;
    const axes = axesOf(call, x.shape);
    const permutation = backend_util.getAxesPermutation(axes, x.shape.length);
    const ordered = permutation === null ? x : transposed(call, x, permutation);
    const innermost =
      permutation === null ? axes : backend_util.getInnerMostAxes(axes.length, x.shape.length);
    const [kept, reduced] = backend_util.computeOutAndReduceShapes(ordered.shape, innermost);
    const handle = call.binding.reduce(
      operation,
      call.backend.handleOf(ordered),
      util.sizeFromShape(reduced),
    );
    if (ordered !== x) call.backend.disposeData(ordered.dataId);
    const shape = call.attributes['keepDims'] === true ? backend_util.expandShapeToKeepDim(kept, axes) : kept;
    return call.backend.tensor(handle, shape, to);
  };
}

function softmax(call: Call): TensorInfo | null {
  const x = input(call, 'logits');
  const dim = call.attributes['dim'] as number;
  if (x.dtype !== 'float32' || (dim !== -1 && dim !== x.shape.length - 1)) return null;
  const inner = x.shape.at(-1) ?? 1;
  return call.backend.tensor(call.binding.softmax(call.backend.handleOf(x), inner, false), x.shape);
}

export const reduceKernels: KernelTable = [
  ...FLOATS.map(
    ([name, operation]) => [name, reduce({ operation, from: 'float32', to: 'float32' })] as const,
  ),
  ['ArgMax', reduce({ operation: 'argMax', from: 'float32', to: 'int32' })],
  ['ArgMin', reduce({ operation: 'argMin', from: 'float32', to: 'int32' })],
  ['All', reduce({ operation: 'all', from: 'bool', to: 'bool' })],
  ['Any', reduce({ operation: 'any', from: 'bool', to: 'bool' })],
  ['Softmax', softmax],
];
