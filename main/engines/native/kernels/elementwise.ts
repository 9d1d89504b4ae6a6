/** @file Node. Kernels that work element by element, with numpy's broadcasting; and tensors of one value. */
import { backend_util, type DataType, type TensorInfo, util } from '@tensorflow/tfjs-core';
import type { BinaryOperation, BufferType, UnaryOperation } from '../binding.ts';
import { type Call, input, inputList, type Kernel, type KernelTable } from './kernel.ts';
import { isNumeric } from './shape.ts';

const UNARY: readonly (readonly [string, UnaryOperation])[] = [
  ['Abs', 'abs'],
  ['Ceil', 'ceil'],
  ['Cos', 'cos'],
  ['Erf', 'erf'],
  ['Exp', 'exp'],
  ['Expm1', 'expm1'],
  ['Floor', 'floor'],
  ['IsFinite', 'isFinite'],
  ['IsNan', 'isNaN'],
  ['Log', 'log'],
  ['Log1p', 'log1p'],
  ['Neg', 'neg'],
  ['Reciprocal', 'reciprocal'],
  ['Relu', 'relu'],
  ['Round', 'round'],
  ['Rsqrt', 'rsqrt'],
  ['Sigmoid', 'sigmoid'],
  ['Sign', 'sign'],
  ['Sin', 'sin'],
  ['Softplus', 'softplus'],
  ['Sqrt', 'sqrt'],
  ['Square', 'square'],
  ['Tanh', 'tanh'],
];
const TELLS: ReadonlySet<UnaryOperation> = new Set(['isFinite', 'isNaN', 'logicalNot']);

const ARITHMETIC: readonly (readonly [string, BinaryOperation])[] = [
  ['Add', 'add'],
  ['Sub', 'sub'],
  ['Multiply', 'mul'],
  ['RealDiv', 'div'],
  ['Maximum', 'maximum'],
  ['Minimum', 'minimum'],
  ['Pow', 'pow'],
  ['SquaredDifference', 'squaredDifference'],
  ['Mod', 'mod'],
];
const COMPARISONS: readonly (readonly [string, BinaryOperation])[] = [
  ['Equal', 'equal'],
  ['NotEqual', 'notEqual'],
  ['Less', 'less'],
  ['LessEqual', 'lessEqual'],
  ['Greater', 'greater'],
  ['GreaterEqual', 'greaterEqual'],
];

function unary(operation: UnaryOperation, from: BufferType): Kernel {
  return (call) => {
    const x = input(call, 'x');
    if (x.dtype !== from) return null;
    const handle = call.binding.unary(operation, call.backend.handleOf(x));
    return call.backend.tensor(handle, x.shape, TELLS.has(operation) ? 'bool' : from);
  };
}

/** Both sides of one of the types `from`; the result is a bool, or of the sides' type. */
function binary(operation: BinaryOperation, from: readonly DataType[], tells: boolean): Kernel {
  return (call) => {
    const [a, b] = [input(call, 'a'), input(call, 'b')];
    if (a.dtype !== b.dtype || !from.includes(a.dtype)) return null;
    const shape = backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
    const [first, second] = [call.backend.handleOf(a), call.backend.handleOf(b)];
    const handle = call.binding.binary(operation, first, second, { a: a.shape, b: b.shape });
    return call.backend.tensor(handle, shape, tells ? 'bool' : (a.dtype as BufferType));
  };
}

function addAll(call: Call): TensorInfo | null {
  const tensors = inputList(call);
  if (tensors.some(({ dtype }) => dtype !== 'float32')) return null;
  for (const { shape } of tensors)
    if (!util.arraysEqual(shape, tensors[0]!.shape))
      throw new Error(`Error in ${call.name}: [${shape}] is not [${tensors[0]!.shape}].`);
  const handles = tensors.map((tensor) => call.backend.handleOf(tensor));
  return call.backend.tensor(call.binding.addAll(handles), tensors[0]!.shape);
}

function cast(call: Call): TensorInfo | null {
  const x = input(call, 'x');
  const dtype = call.attributes['dtype'] as DataType;
  if (dtype === x.dtype) return call.backend.alias(x, x.shape);
  if (!isNumeric(x) || !isNumeric({ ...x, dtype })) return null;
  const to = dtype as BufferType;
  return call.backend.tensor(call.binding.cast(call.backend.handleOf(x), to), x.shape, to);
}

function select(call: Call): TensorInfo | null {
  const [condition, t, e] = [input(call, 'condition'), input(call, 't'), input(call, 'e')];
  if (t.dtype !== 'float32' || e.dtype !== 'float32') return null;
  if (!util.arraysEqual(condition.shape, t.shape) || !util.arraysEqual(t.shape, e.shape)) return null;
  const [on, yes, no] = [condition, t, e].map((tensor) => call.backend.handleOf(tensor));
  return call.backend.tensor(call.binding.select(on!, yes!, no!), t.shape);
}

function filled(call: Call, like: { shape: number[]; dtype: DataType }, value: number): TensorInfo | null {
  if (!isNumeric({ ...like, dataId: {} })) return null;
  const type = like.dtype as BufferType;
  const handle = call.binding.fill(type, util.sizeFromShape(like.shape), value);
  return call.backend.tensor(handle, like.shape, type);
}

function fill(call: Call): TensorInfo | null {
  const { shape, value, dtype } = call.attributes as {
    shape: number[];
    value: number | string;
    dtype?: DataType;
  };
  if (typeof value === 'string') return null;
  return filled(call, { shape, dtype: dtype ?? 'float32' }, value);
}

export const elementwiseKernels: KernelTable = [
  ...UNARY.map(([name, operation]) => [name, unary(operation, 'float32')] as const),
  ['LogicalNot', unary('logicalNot', 'bool')],
  ...ARITHMETIC.map(([name, operation]) => [name, binary(operation, ['float32'], false)] as const),
  ...COMPARISONS.map(([name, operation]) => [name, binary(operation, ['float32', 'int32'], true)] as const),
  ['LogicalAnd', binary('logicalAnd', ['bool'], true)],
  ['LogicalOr', binary('logicalOr', ['bool'], true)],
  ['AddN', addAll],
  ['Cast', cast],
  ['Select', select],
  ['Fill', fill],
  ['ZerosLike', (call) => filled(call, input(call, 'x'), 0)],
  ['OnesLike', (call) => filled(call, input(call, 'x'), 1)],
];
