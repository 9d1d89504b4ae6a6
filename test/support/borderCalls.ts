/**
 * @file Tests. A good call of every function of the border to Rust that is given buffers, from which tests make wrong
 * ones: five rows of width 4 in two pairs, two heads, two questions a pair.
 */
import type { AttentionShape, BufferType, Handle, NativeBinding } from '../../main/engines/native/binding.ts';

/** A buffer that is made for the call: by type and size, or by another function of the border. */
export class Wanted {
  readonly make: (binding: NativeBinding) => Handle;

  constructor(make: (binding: NativeBinding) => Handle) {
    this.make = make;
  }
}

const wanted = (type: BufferType, size: number) =>
  new Wanted((binding) => binding.fill(type, size, type === 'float32' ? 0.5 : 1));
const floats = (size: number) => wanted('float32', size);

const PRECISION = 'fp32';
export const layout = { offsets: Int32Array.of(0, 2, 5), pairIndices: Int32Array.of(0, 1) };
export const dropout = { seed: 1, step: 2, place: 3, threshold: 2 ** 30, scale: 4 / 3 };
export const linearShape = { rows: 5, into: 4, out: 4, activation: 'none', precision: PRECISION } as const;
export const attentionShape: AttentionShape = {
  ...{ ...layout, hidden: 4, heads: 2, scale: 0.7, dropout, precision: PRECISION },
};
export const normShape = { ...layout, width: 4, eps: 1e-5, dropout };
const step = { stepSize: 1e-3, inverseRoot: 1, keep: 1 };
const numbers = { beta1: 0.9, beta2: 0.999, eps: 1e-8 };

/** What the gradient of attention, or of its pooled form, needs of a call before it. */
const savedBy = (name: 'attention' | 'pooledAttention') =>
  new Wanted((binding) => {
    const x = binding.fill('float32', 20, 0.5);
    const query = binding.fill('float32', 16, 0.5);
    const made =
      name === 'attention'
        ? binding.attention(x, x, x, attentionShape)
        : binding.pooledAttention(x, query, attentionShape);
    for (const buffer of [x, query, 'context' in made ? made.context : made.pooled]) binding.free(buffer);
    return made.saved;
  });

/** Words of each call, buffers standing as `Wanted`. */
export const BORDER_CALLS: Readonly<Record<string, readonly unknown[]>> = {
  read: [floats(20)],
  copy: [floats(20)],
  sizeOf: [floats(20)],
  cast: [floats(20), 'int32'],
  linear: [floats(20), floats(16), floats(4), linearShape],
  linearGradient: [
    { dy: floats(20), x: floats(20), weight: floats(16), output: floats(20), wantsX: true },
    { ...linearShape, activation: 'relu' },
  ],
  projections: [
    floats(20),
    [
      { weight: floats(16), bias: floats(4) },
      { weight: floats(16), bias: floats(4) },
    ],
    linearShape,
  ],
  projectionsGradient: [
    { dys: [floats(20), floats(20)], x: floats(20), weights: [floats(16), floats(16)], wantsX: true },
    linearShape,
  ],
  matmul: [
    ...[floats(20), floats(16)],
    {
      ...{ batch: 1, rows: 5, inner: 4, columns: 4, transposeA: false, transposeB: false },
      ...{ broadcastA: false, broadcastB: false, precision: PRECISION },
    },
  ],
  attention: [floats(20), floats(20), floats(20), attentionShape],
  attentionGradient: [
    { dy: floats(20), q: floats(20), k: floats(20), v: floats(20), saved: savedBy('attention') },
    attentionShape,
  ],
  pooledAttention: [floats(20), floats(16), attentionShape],
  pooledAttentionGradient: [
    { dy: floats(20), x: floats(20), query: floats(16), saved: savedBy('pooledAttention') },
    attentionShape,
  ],
  addDropoutNorm: [{ x: floats(20), residual: floats(20), gamma: floats(4), beta: floats(4) }, normShape],
  addDropoutNormGradient: [
    { dy: floats(20), x: floats(20), residual: floats(20), gamma: floats(4), statistics: floats(10) },
    normShape,
  ],
  normDropout: [{ x: floats(20), gamma: floats(4), beta: floats(4) }, normShape],
  normDropoutGradient: [
    { dy: floats(20), x: floats(20), gamma: floats(4), statistics: floats(10) },
    normShape,
  ],
  embeddingSum: [
    { tokenRows: floats(20), segmentTable: floats(8), positionTable: floats(12) },
    { width: 4, segments: Int32Array.of(0, 1, 0, 0, 1), positions: Int32Array.of(0, 1, 0, 1, 2) },
  ],
  gatherRows: [floats(20), 4, Int32Array.of(0, 4, 5)],
  sumRows: [floats(20), 4, Int32Array.of(0, 1, 0, 1, 0), 2],
  crossEntropy: [floats(20), Int32Array.of(0, 1, 2, 3, 0), 4],
  countCorrect: [floats(20), Int32Array.of(0, 1, 2, 3, 0), 4],
  adam: [
    [
      { value: floats(20), first: floats(20), second: floats(20), gradient: floats(20), ...step },
      {
        ...{ value: floats(20), first: floats(20), second: floats(20), gradient: floats(8), ...step },
        ids: Int32Array.of(1, 3),
      },
    ],
    numbers,
  ],
  gradientNorm: [[floats(20), floats(3)]],
  addKeepingRest: [floats(20), floats(20), floats(20)],
  addAll: [[floats(20), floats(20)]],
  dropoutRows: [layout, 4, dropout],
  unary: ['exp', floats(20)],
  binary: ['add', floats(20), floats(4), { a: [5, 4], b: [4] }],
  select: [wanted('bool', 20), floats(20), floats(20)],
  reduce: ['sum', floats(20), 4],
  softmax: [floats(20), 4, false],
  transpose: [floats(20), [5, 4], [1, 0]],
  slice: [floats(20), [5, 4], [1, 1], [2, 2]],
  concat: [
    [floats(20), floats(20)],
    [4, 4],
  ],
  pad: [
    ...[floats(20), [5, 4]],
    [
      [1, 1],
      [0, 0],
    ],
    0,
  ],
  tile: [floats(20), [5, 4], [1, 2]],
  oneHot: [wanted('int32', 5), 4, 1, 0],
};

/** Functions that are given no buffer, or (`free`) end one. */
export const WITHOUT_BUFFERS = [
  ...['describe', 'setThreads', 'memory', 'releasePool', 'setNiceness', 'upload', 'fill', 'free'],
  ...['exchangeCreate', 'exchangeOpen', 'exchangeClose', 'exchangeStore', 'exchangeWait'],
  ...['exchangeWrite', 'exchangeRead', 'exchangeAdd'],
];

/** A copy of `words` in which the leaf at each place is what `change` makes of it; places count in order. */
export function changed(words: unknown, change: (leaf: unknown, place: number) => unknown): unknown {
  let place = 0;
  const walk = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value !== 'object' || value === null || value instanceof Wanted || ArrayBuffer.isView(value))
      return change(value, place++);
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, walk(inner)]));
  };
  return walk(words);
}

/** All leaves, in the order of `changed`. */
export function leavesOf(words: unknown): unknown[] {
  const leaves: unknown[] = [];
  changed(words, (leaf) => leaves.push(leaf));
  return leaves;
}
