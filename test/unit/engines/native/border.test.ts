/**
 * @file Tests. The border to Rust, called with what JavaScript may get wrong: invented and freed handles, wrong types,
 * sizes, indices, and garbage. Every call returns or throws an Error; the process lives, and computes as before.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import type { BufferType, Handle, NativeBinding } from '../../../../main/engines/native/binding.ts';
import { loadNative } from '../../../../main/engines/native/loader.ts';
import {
  attentionShape,
  BORDER_CALLS,
  changed,
  dropout,
  layout,
  leavesOf,
  linearShape,
  normShape,
  Wanted,
  WITHOUT_BUFFERS,
} from '../../../support/borderCalls.ts';
import { engineForTests } from '../../../support/enginesForTests.ts';
import { Inputs } from '../../../support/onEngine.ts';

let binding: NativeBinding;

beforeEach(({ skip }) => {
  engineForTests('native', skip);
  binding = loadNative();
});

const NAMES = Object.keys(BORDER_CALLS);
/** Functions that take numbers of any type as they are. */
const OF_ANY_TYPE = ['read', 'copy', 'sizeOf', 'cast', 'transpose', 'slice', 'concat', 'pad', 'tile'];
/** Functions that take any number of numbers. */
const OF_ANY_SIZE = ['read', 'copy', 'sizeOf', 'cast', 'unary', 'gradientNorm', 'oneHot'];

/**
 * Calls a function of the border; buffers are made before and freed after. `change` is asked for every word, with its
 * buffer where it is one.
 */
function call(name: string, change: (leaf: unknown, place: number) => unknown = (leaf) => leaf): void {
  const made: Handle[] = [];
  const words = changed(BORDER_CALLS[name]!, (leaf, place) => {
    if (leaf instanceof Wanted) made.push(leaf.make(binding));
    return change(leaf instanceof Wanted ? made.at(-1) : leaf, place);
  });
  try {
    const run = binding[name as keyof NativeBinding] as (...words: unknown[]) => unknown;
    const result = run(...(words as unknown[]));
    if (!['read', 'sizeOf'].includes(name)) remove(result);
  } finally {
    for (const buffer of made) binding.free(buffer);
  }
}

function typeOf(values: Float32Array | Int32Array | Uint8Array): BufferType {
  if (values instanceof Float32Array) return 'float32';
  return values instanceof Int32Array ? 'int32' : 'bool';
}

function remove(made: unknown): void {
  if (typeof made === 'number') binding.free(made);
  else if (typeof made === 'object' && made !== null && !ArrayBuffer.isView(made))
    for (const one of Object.values(made)) remove(one);
}

/** Places of buffers among the words of a call. */
const bufferPlaces = (name: string) =>
  leavesOf(BORDER_CALLS[name]!).flatMap((leaf, place) => (leaf instanceof Wanted ? [place] : []));

it('is called here in every function that it has', () => {
  expect([...NAMES, ...WITHOUT_BUFFERS].toSorted()).toEqual(Object.keys(binding).toSorted());
});

describe('a handle', () => {
  const invented = [-1, 0, 1.5, Number.NaN, 1e9, 2 ** 53, Number.POSITIVE_INFINITY];
  const noNumbers = ['1', null, {}, [], true, 1n];

  it.each(NAMES)('that was invented, freed, or is none is refused by %s, in every place', (name) => {
    const before = binding.memory().buffers;
    call(name);
    expect(binding.memory().buffers, 'a good call leaves nothing').toBe(before);
    const freed = binding.fill('float32', 20, 0);
    binding.free(freed);
    for (const place of bufferPlaces(name))
      for (const wrong of [...invented, ...noNumbers, undefined, freed])
        expect(
          () => call(name, (leaf, at) => (at === place ? wrong : leaf)),
          `place ${place}: ${String(wrong)}`,
        ).toThrow(Error);
    expect(binding.memory().buffers).toBe(before);
  });

  it.each(NAMES.filter((name) => !OF_ANY_TYPE.includes(name)))('of another type is refused by %s', (name) => {
    const before = binding.memory().buffers;
    for (const place of bufferPlaces(name)) {
      for (const type of ['float32', 'int32', 'bool'] as const) {
        let other: Handle | null = null;
        const inOther = (leaf: unknown) => {
          const own = binding.read(leaf as Handle);
          if (type === typeOf(own)) return leaf;
          other = binding.fill(type, own.length, 0);
          return other;
        };
        try {
          call(name, (leaf, at) => (at === place ? inOther(leaf) : leaf));
          expect(other, `place ${place}: ${type} was taken`).toBeNull();
        } catch (thrown) {
          expect(other, String(thrown)).not.toBeNull();
          expect((thrown as Error).message).toMatch(new RegExp(`^Error in ${name}: `));
        } finally {
          if (other !== null) binding.free(other);
        }
      }
    }
    expect(binding.memory().buffers).toBe(before);
  });

  it.each(NAMES.filter((name) => !OF_ANY_SIZE.includes(name)))('of another size is refused by %s', (name) => {
    const before = binding.memory().buffers;
    for (const place of bufferPlaces(name)) {
      const own: Handle[] = [];
      const longer = (leaf: unknown) => {
        const values = binding.read(leaf as Handle);
        own.push(binding.fill(typeOf(values), values.length + 1, 0));
        return own[0];
      };
      expect(() => call(name, (leaf, at) => (at === place ? longer(leaf) : leaf)), `place ${place}`).toThrow(
        new RegExp(`^Error in ${name}: `),
      );
      for (const buffer of own) binding.free(buffer);
    }
    expect(binding.memory().buffers).toBe(before);
  });

  it('that was freed cannot be freed again', () => {
    const x = binding.fill('float32', 3, 0);
    binding.free(x);
    expect(() => binding.free(x)).toThrow(/^Error in free: /);
  });
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

  it('indices whose memory is taken away while the call is read: they count as they were', () => {
    const offsets = Int32Array.of(0, 2, 5);
    const plain = binding.dropoutRows({ ...layout, offsets: offsets.slice() }, 4, dropout);
    const layoutWithTrap = {
      offsets,
      get pairIndices() {
        new Int32Array(structuredClone(offsets.buffer, { transfer: [offsets.buffer] })).fill(-7);
        return layout.pairIndices;
      },
    };
    const trapped = binding.dropoutRows(layoutWithTrap, 4, dropout);
    expect(binding.read(trapped)).toEqual(binding.read(plain));
    for (const buffer of [plain, trapped]) binding.free(buffer);
  });

  it('more rows than anybody has, of nothing: an answer at once', () => {
    const none = binding.upload(new Float32Array(0));
    const shape = { ...linearShape, rows: 2 ** 50, into: 0, out: 0 };
    const { y } = binding.linear(none, none, none, shape);
    expect(binding.sizeOf(y)).toBe(0);
    for (const buffer of [none, y]) binding.free(buffer);
  });

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

/** Something that may stand in any place. */
function garbage(inputs: Inputs, handles: readonly Handle[]): unknown {
  const kinds = [
    () => handles[inputs.below(handles.length)],
    () => inputs.below(30) - 5,
    () => [Number.NaN, -0, 1e300, 2 ** 40, 2 ** 53, 0.5][inputs.below(6)],
    () => inputs.whole(inputs.below(9), 8),
    () => inputs.normal(inputs.below(9)),
    () => ['fp32', 'float32', 'add', 'sum', 'exp', '', '🦊'][inputs.below(7)],
    () => [null, undefined, true, {}, []][inputs.below(5)],
    () => Array.from({ length: inputs.below(4) }, () => inputs.below(6)),
  ];
  return kinds[inputs.below(kinds.length)]!();
}

describe('garbage', () => {
  it('in one or two places of a good call gives results or errors', { timeout: 120_000 }, () => {
    const inputs = new Inputs(2026);
    const floats = binding.upload(inputs.normal(24));
    const expected = binding.read(binding.unary('exp', floats));
    let refusals = 0;
    const ROUNDS = 12_000;
    for (let round = 0; round < ROUNDS; round++) {
      const name = NAMES[inputs.below(NAMES.length)]!;
      const own = [binding.fill('float32', 24, 1), binding.fill('int32', 24, 1), binding.fill('bool', 24, 1)];
      const count = leavesOf(BORDER_CALLS[name]!).length;
      const places = [inputs.below(count), inputs.below(2) === 0 ? inputs.below(count) : -1];
      try {
        call(name, (leaf, place) => (places.includes(place) ? garbage(inputs, own) : leaf));
      } catch (thrown) {
        expect(thrown, name).toBeInstanceOf(Error);
        expect((thrown as Error).message, name).not.toContain('a fault of the kernel itself');
        refusals++;
      }
      for (const buffer of own) binding.free(buffer);
    }
    // Most is refused, and some garbage is a good call.
    expect(refusals).toBeGreaterThan(ROUNDS / 2);
    expect(refusals).toBeLessThan(ROUNDS - 100);
    expect(binding.read(binding.unary('exp', floats))).toEqual(expected);
  });
});
