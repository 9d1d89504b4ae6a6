/**
 * @file Tests. The border to Rust, called with what JavaScript may get wrong: invented and freed handles, wrong types,
 * sizes, indices, and garbage. Every call returns or throws an Error; the process lives, and computes as before.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import type { NativeBinding } from '../../../../main/engines/native/binding.ts';
import { loadNative } from '../../../../main/engines/native/loader.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { Inputs } from '../../../support/onEngine.ts';

let binding: NativeBinding;

beforeEach(({ skip }) => {
  engineForTests('native', skip);
  binding = loadNative();
});

const PRECISION = 'fp32';
const layout = { offsets: Int32Array.of(0, 2, 5), pairIndices: Int32Array.of(0, 1) };
const linearShape = { rows: 5, into: 4, out: 4, activation: 'none', precision: PRECISION } as const;
const attentionShape = { ...layout, hidden: 4, heads: 2, scale: 0.7, precision: PRECISION } as const;
const normShape = { ...layout, width: 4, eps: 1e-5 };

/** Calls with a good handle `x` of float32 [5, 4] in each place; each must refuse another one there. */
const CALLS: Record<string, (binding: NativeBinding, x: number) => unknown> = {
  read: (binding, x) => binding.read(x),
  copy: (binding, x) => binding.copy(x),
  sizeOf: (binding, x) => binding.sizeOf(x),
  cast: (binding, x) => binding.cast(x, 'int32'),
  unary: (binding, x) => binding.unary('exp', x),
  binary: (binding, x) => binding.binary('add', x, x, { a: [5, 4], b: [5, 4] }),
  reduce: (binding, x) => binding.reduce('sum', x, 4),
  softmax: (binding, x) => binding.softmax(x, 4, false),
  transpose: (binding, x) => binding.transpose(x, [5, 4], [1, 0]),
  slice: (binding, x) => binding.slice(x, [5, 4], [1, 1], [2, 2]),
  concat: (binding, x) => binding.concat([x, x], [4, 4]),
  pad: (binding, x) =>
    binding.pad(
      x,
      [5, 4],
      [
        [1, 1],
        [0, 0],
      ],
      0,
    ),
  tile: (binding, x) => binding.tile(x, [5, 4], [1, 2]),
  addAll: (binding, x) => binding.addAll([x, x]),
  gradientNorm: (binding, x) => binding.gradientNorm([x]),
  gatherRows: (binding, x) => binding.gatherRows(x, 4, Int32Array.of(0, 4, 5)),
  sumRows: (binding, x) => binding.sumRows(x, 4, Int32Array.of(0, 1, 0, 1, 0), 2),
  crossEntropy: (binding, x) => binding.crossEntropy(x, Int32Array.of(0, 1, 2, 3, 0), 4),
  countCorrect: (binding, x) => binding.countCorrect(x, Int32Array.of(0, 1, 2, 3, 0), 4),
  attention: (binding, x) => binding.attention(x, x, x, attentionShape),
};

function remove(binding: NativeBinding, made: unknown): void {
  if (typeof made === 'number') binding.free(made);
  else if (typeof made === 'object' && made !== null && !ArrayBuffer.isView(made))
    for (const one of Object.values(made)) remove(binding, one);
}

describe('a handle', () => {
  const wrong = [-1, 0, 1.5, Number.NaN, 1e9, 2 ** 53, Number.POSITIVE_INFINITY];

  it.each(Object.keys(CALLS))('that was invented or freed is refused by %s', (name) => {
    const call = CALLS[name]!;
    const x = binding.upload(new Float32Array(20).fill(0.5));
    const before = binding.memory().buffers;
    if (name !== 'sizeOf') remove(binding, call(binding, x));
    expect(binding.memory().buffers).toBe(before);
    const freed = binding.copy(x);
    binding.free(freed);
    for (const handle of [...wrong, freed]) expect(() => call(binding, handle), `${handle}`).toThrow(Error);
    for (const handle of ['1', null, undefined, {}, [], true, 1n])
      expect(() => call(binding, handle as never), String(handle)).toThrow(Error);
    expect(binding.memory().buffers).toBe(before);
    binding.free(x);
    expect(() => binding.free(x)).toThrow(/Error in free/);
  });

  it.each(Object.keys(CALLS).filter((name) => !['read', 'copy', 'sizeOf', 'cast'].includes(name)))(
    'of another size is refused by %s',
    (name) => {
      if (['unary', 'gradientNorm', 'addAll', 'softmax', 'reduce'].includes(name)) return;
      const before = binding.memory().buffers;
      const x = binding.upload(new Float32Array(19));
      expect(() => CALLS[name]!(binding, x)).toThrow(new RegExp(`Error in ${name}`));
      binding.free(x);
      expect(binding.memory().buffers).toBe(before);
    },
  );
});

describe('what does not fit', () => {
  const calls: Record<string, (binding: NativeBinding, x: number, whole: number) => unknown> = {
    'whole numbers where floats are needed': (binding, _, whole) => binding.unary('exp', whole),
    'whole numbers as a weight': (binding, x, whole) => binding.linear(x, whole, x, linearShape),
    'a bias that is too long': (binding, x) => binding.linear(x, x, x, linearShape),
    'a negative size': (binding, x) => binding.linear(x, x, x, { ...linearShape, rows: -5 }),
    'a size that overflows': (binding, x) =>
      binding.linear(x, x, x, { ...linearShape, rows: 2 ** 31, into: 2 ** 31 }),
    'an activation that is none': (binding, x) =>
      binding.linear(x, x, x, { ...linearShape, activation: 'no' as never }),
    'a label out of range': (binding, x) => binding.crossEntropy(x, Int32Array.of(0, 1, 2, 4, 0), 4),
    'a negative label': (binding, x) => binding.countCorrect(x, Int32Array.of(0, 1, 2, -1, 0), 4),
    'too few labels': (binding, x) => binding.crossEntropy(x, Int32Array.of(0), 4),
    'a row out of range': (binding, x) => binding.gatherRows(x, 4, Int32Array.of(6)),
    'a negative row': (binding, x) => binding.gatherRows(x, 4, Int32Array.of(-1)),
    'a target out of range': (binding, x) => binding.sumRows(x, 4, Int32Array.of(0, 0, 0, 0, 2), 2),
    'offsets that fall': (binding, x) =>
      binding.attention(x, x, x, { ...attentionShape, offsets: Int32Array.of(0, 4, 3) }),
    'offsets that end early': (binding, x) =>
      binding.attention(x, x, x, { ...attentionShape, offsets: Int32Array.of(0, 2, 4) }),
    'offsets that begin late': (binding, x) =>
      binding.attention(x, x, x, { ...attentionShape, offsets: Int32Array.of(1, 2, 5) }),
    'heads that do not divide': (binding, x) => binding.attention(x, x, x, { ...attentionShape, heads: 3 }),
    'no heads': (binding, x) => binding.attention(x, x, x, { ...attentionShape, heads: 0 }),
    'a source out of range': (binding, x) =>
      binding.attention(x, x, x, { ...attentionShape, sources: Int32Array.of(0, 1, 2, 3, 5) }),
    'statistics of another size': (binding, x) =>
      binding.addDropoutNormGradient({ dy: x, x, residual: x, gamma: x, statistics: x }, normShape),
    'a permutation with a hole': (binding, x) => binding.transpose(x, [5, 4], [0, 0]),
    'a slice beyond the end': (binding, x) => binding.slice(x, [5, 4], [3, 0], [3, 4]),
    'a shape of another size': (binding, x) => binding.transpose(x, [5, 5], [1, 0]),
    'shapes that cannot be broadcast': (binding, x) => binding.binary('add', x, x, { a: [5, 4], b: [4, 5] }),
    'an operation that is none': (binding, x) => binding.unary('no' as never, x),
    'ids that fall': (binding, x) =>
      binding.adam(
        [
          {
            value: x,
            first: x,
            second: x,
            gradient: x,
            ids: Int32Array.of(1, 0),
            stepSize: 1,
            inverseRoot: 1,
            keep: 1,
          },
        ],
        { beta1: 0.9, beta2: 0.9, eps: 1e-8 },
      ),
    'one buffer as value and moment': (binding, x) =>
      binding.adam([{ value: x, first: x, second: x, gradient: x, stepSize: 1, inverseRoot: 1, keep: 1 }], {
        ...{ beta1: 0.9, beta2: 0.9, eps: 1e-8 },
      }),
    'no threads': (binding) => binding.setThreads(0),
  };

  it.each(Object.entries(calls))('%s: an error, and nothing is left behind', (_, call) => {
    const before = binding.memory().buffers;
    const x = binding.upload(new Float32Array(20).fill(0.5));
    const whole = binding.upload(new Int32Array(20));
    expect(() => call(binding, x, whole)).toThrow(/^Error in \w+: |is no size/);
    binding.free(x);
    binding.free(whole);
    expect(binding.memory().buffers).toBe(before);
  });
});

/** Something that a function may be given in any place. */
function garbage(inputs: Inputs, handles: readonly number[], depth = 0): unknown {
  const leaves = [
    () => handles[inputs.below(handles.length)],
    () => inputs.below(30) - 5,
    () => [Number.NaN, -0, 1e300, 2 ** 32, 0.5][inputs.below(5)],
    () => inputs.whole(inputs.below(9), 8),
    () => inputs.normal(inputs.below(9)),
    () => ['fp32', 'float32', 'add', 'sum', 'exp', '', '🦊'][inputs.below(7)],
    () => [null, undefined, true][inputs.below(3)],
    () => Array.from({ length: inputs.below(4) }, () => inputs.below(6)),
  ];
  if (depth > 1 || inputs.below(3) > 0) return leaves[inputs.below(leaves.length)]!();
  const names = [
    ...[
      'rows',
      'into',
      'out',
      'activation',
      'precision',
      'batch',
      'inner',
      'columns',
      'transposeA',
      'a',
      'b',
    ],
    ...[
      'offsets',
      'pairIndices',
      'hidden',
      'heads',
      'scale',
      'width',
      'eps',
      'dropout',
      'seed',
      'step',
      'place',
    ],
    ...[
      'dy',
      'x',
      'weight',
      'output',
      'wantsX',
      'q',
      'k',
      'v',
      'context',
      'saved',
      'gamma',
      'beta',
      'residual',
    ],
    ...[
      'statistics',
      'value',
      'first',
      'second',
      'gradient',
      'ids',
      'stepSize',
      'keep',
      'threshold',
      'sources',
    ],
  ];
  return Object.fromEntries(names.map((name) => [name, garbage(inputs, handles, depth + 1)]));
}

describe('garbage', () => {
  it('gives results or errors, whatever is called with it', { timeout: 120_000 }, () => {
    const functions = Object.entries(binding).filter(
      ([name]) => !['setThreads', 'setNiceness', 'releasePool'].includes(name),
    ) as [string, (...words: unknown[]) => unknown][];
    expect(functions.length).toBeGreaterThan(40);
    const inputs = new Inputs(2026);
    const floats = binding.upload(inputs.normal(24));
    const expected = binding.read(binding.unary('exp', floats));
    for (let round = 0; round < 4000; round++) {
      const own = [
        binding.upload(inputs.normal(24)),
        binding.upload(inputs.whole(24, 5)),
        binding.fill('bool', 24, 1),
      ];
      const [name, call] = functions[inputs.below(functions.length)]!;
      if (name === 'fill') continue; // may take all the memory that there is
      const words = Array.from({ length: inputs.below(5) }, () => garbage(inputs, own));
      try {
        call(...words);
      } catch (thrown) {
        expect(thrown, name).toBeInstanceOf(Error);
        expect((thrown as Error).message, name).not.toContain('a fault of the kernel itself');
      }
    }
    expect(binding.read(binding.unary('exp', floats))).toEqual(expected);
  });
});
