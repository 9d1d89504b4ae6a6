/** @file Node. Kernels that move values or only look at them differently. Those of the second kind share the buffer. */
import { backend_util, slice_util, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { BufferType } from '../binding.ts';
import { type Call, checkedInput, input, inputList, type KernelTable } from './kernel.ts';

const NUMERIC: readonly string[] = ['float32', 'int32', 'bool'] satisfies readonly BufferType[];
export const isNumeric = ({ dtype }: TensorInfo) => NUMERIC.includes(dtype);
const typeOf = ({ dtype }: TensorInfo) => dtype as BufferType;
const sizeOf = util.sizeFromShape;

function reshape({ backend, name, ...call }: Call): TensorInfo {
  const x = input({ backend, name, ...call }, 'x');
  const size = sizeOf(x.shape);
  const shape = util.inferFromImplicitShape(call.attributes['shape'] as number[], size);
  if (sizeOf(shape) !== size)
    throw new Error(`Error in ${name}: [${x.shape}] and [${shape}] have different numbers of elements.`);
  return backend.alias(x, shape);
}

function expandDims(call: Call): TensorInfo {
  const x = input(call, 'input');
  const dim = call.attributes['dim'] as number;
  const shape = [...x.shape];
  shape.splice(dim < 0 ? x.shape.length + dim + 1 : dim, 0, 1);
  return call.backend.alias(x, shape);
}

export function transposed(call: Call, x: TensorInfo, permutation: number[]): TensorInfo {
  const shape = permutation.map((axis) => x.shape[axis]!);
  return call.backend.tensor(
    call.binding.transpose(call.backend.handleOf(x), x.shape, permutation),
    shape,
    typeOf(x),
  );
}

function slice(call: Call): TensorInfo | null {
  const x = input(call, 'x');
  if (!isNumeric(x)) return null;
  const wish = call.attributes as { begin: number[]; size: number[] };
  const [begin, size] = slice_util.parseSliceParams(x as never, wish.begin, wish.size) as [
    number[],
    number[],
  ];
  slice_util.assertParamsValid(x as never, begin, size);
  return call.backend.tensor(
    call.binding.slice(call.backend.handleOf(x), x.shape, begin, size),
    size,
    typeOf(x),
  );
}

function concatenated(call: Call, tensors: readonly TensorInfo[], axis: number): TensorInfo {
  const outer = (shape: readonly number[]) => sizeOf(shape.slice(0, axis));
  const inners = tensors.map(({ shape }) => sizeOf(shape) / Math.max(1, outer(shape)));
  const shape = backend_util.computeOutShape(
    tensors.map((tensor) => tensor.shape),
    axis,
  );
  const handles = tensors.map((tensor) => call.backend.handleOf(tensor));
  return call.backend.tensor(call.binding.concat(handles, inners), shape, typeOf(tensors[0]!));
}

function concat(call: Call): TensorInfo | null {
  const tensors = inputList(call);
  if (!tensors.every(isNumeric) || new Set(tensors.map(({ dtype }) => dtype)).size > 1) return null;
  const axis = util.parseAxisParam(call.attributes['axis'] as number, tensors[0]!.shape)[0]!;
  const shapes = tensors.map(({ shape }) => shape);
  backend_util.assertParamsConsistent(shapes, axis);
  const full = tensors.filter(({ shape }) => sizeOf(shape) > 0);
  if (full.length === 0) return call.backend.alias(tensors[0]!, backend_util.computeOutShape(shapes, axis));
  return full.length === 1 ? call.backend.alias(full[0]!, full[0]!.shape) : concatenated(call, full, axis);
}

/** Packing is concatenating along an axis of size 1 that each tensor gets. */
function pack(call: Call): TensorInfo | null {
  const tensors = inputList(call);
  if (!tensors.every(isNumeric) || new Set(tensors.map(({ dtype }) => dtype)).size > 1) return null;
  const axis = call.attributes['axis'] as number;
  const expanded = tensors.map(({ shape, ...tensor }) => ({
    ...tensor,
    shape: [...shape.slice(0, axis), 1, ...shape.slice(axis)],
  }));
  return concatenated(call, expanded, axis);
}

function pad(call: Call): TensorInfo | null {
  const x = input(call, 'x');
  if (x.dtype !== 'float32') return null;
  const { paddings, constantValue } = call.attributes as {
    paddings: [number, number][];
    constantValue: number;
  };
  const shape = paddings.map(([before, after], axis) => before + x.shape[axis]! + after);
  return call.backend.tensor(
    call.binding.pad(call.backend.handleOf(x), x.shape, paddings, constantValue),
    shape,
  );
}

function tile(call: Call): TensorInfo | null {
  const x = input(call, 'x');
  if (x.dtype !== 'float32') return null;
  const repetitions = call.attributes['reps'] as number[];
  const shape = repetitions.map((times, axis) => times * x.shape[axis]!);
  return call.backend.tensor(call.binding.tile(call.backend.handleOf(x), x.shape, repetitions), shape);
}

/** Whole rows by index, along the first axis; other forms are tfjs'. */
function gather(call: Call): TensorInfo | null {
  const x = input(call, 'x');
  const indices = input(call, 'indices');
  const { axis, batchDims } = call.attributes as { axis: number; batchDims: number };
  if (x.dtype !== 'float32' || indices.dtype !== 'int32' || axis !== 0 || batchDims !== 0) return null;
  const index = call.backend.readSync(indices.dataId) as Int32Array;
  const rows = x.shape[0]!;
  const wrong = index.find((row) => row < 0 || row >= rows);
  if (wrong !== undefined)
    throw new Error(`Error in ${call.name}: the index ${wrong} is not below ${rows}, or is negative.`);
  const width = sizeOf(x.shape.slice(1));
  return call.backend.tensor(call.binding.gatherRows(call.backend.handleOf(x), width, index), [
    ...indices.shape,
    ...x.shape.slice(1),
  ]);
}

function oneHot(call: Call): TensorInfo | null {
  const indices = checkedInput(call, 'indices', input(call, 'indices').shape, 'int32');
  const wish = call.attributes as { depth: number; onValue: number; offValue: number; dtype: string };
  if (!NUMERIC.includes(wish.dtype)) return null;
  const { depth, onValue, offValue } = wish;
  const shape = [...indices.shape, depth];
  const handle = call.binding.oneHot(call.backend.handleOf(indices), depth, onValue, offValue);
  const type = wish.dtype as BufferType;
  if (type === 'float32') return call.backend.tensor(handle, shape);
  const converted = call.binding.cast(handle, type);
  call.binding.free(handle);
  return call.backend.tensor(converted, shape, type);
}

export const shapeKernels: KernelTable = [
  ['Identity', (call) => call.backend.alias(input(call, 'x'), input(call, 'x').shape)],
  ['Reshape', reshape],
  ['ExpandDims', expandDims],
  [
    'Transpose',
    (call) => {
      const x = input(call, 'x');
      return isNumeric(x) ? transposed(call, x, call.attributes['perm'] as number[]) : null;
    },
  ],
  ['Slice', slice],
  ['Concat', concat],
  ['Pack', pack],
  ['PadV2', pad],
  ['Tile', tile],
  ['GatherV2', gather],
  ['OneHot', oneHot],
];
