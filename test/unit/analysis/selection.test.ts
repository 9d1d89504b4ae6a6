/** @file Tests. Which examples a filter leaves, in which order, and how often they occur. */
import { describe, expect, it } from 'vitest';
import { ExampleColumnsBuilder } from '../../../main/analysis/exampleColumns.ts';
import { confusionOf, countChanges, predictionColumns } from '../../../main/analysis/predictionColumns.ts';
import { type AnalysedPairs, chosenExamples, sortExamples } from '../../../main/analysis/selection.ts';
import { pairTraits } from '../../../main/analysis/sentenceTraits.ts';
import { slicesOf } from '../../../main/analysis/slices.ts';
import { errorFilterSchema } from '../../../shared/contract/errorAnalysis.ts';

describe('traits of a pair', () => {
  it('count words, not punctuation or brackets', () => {
    expect(pairTraits("The man 's dog -LRB- a pug -RRB- runs .", 'A dog , 3 cats !').length).toBe(11);
  });

  it.each([
    ["It is n't raining .", true],
    ['NOT here', true],
    ['Nobody sleeps', true],
    ["He isn't there.", true],
    ['He isn\u2019t there.', true],
    ['They go without water', true],
    ['He can not swim', true],
    ['He cannot swim', true],
    ['A note about a knot', false],
    ['It is nice now', false],
    ['ant', false],
  ])('see the negation of "%s"', (hypothesis, negation) => {
    expect(pairTraits('not no never', hypothesis).negation).toBe(negation);
  });

  it('measure which words of the hypothesis stand in the premise', () => {
    const premise = 'A man in a park sings .';
    expect(pairTraits(premise, 'The Man sings .').overlap).toBe(2 / 3);
    expect(pairTraits(premise, 'A a a cat').overlap).toBe(3 / 4);
    expect(pairTraits(premise, 'somebody else').overlap).toBe(0);
    expect(pairTraits(premise, '...').overlap).toBeNull();
  });

  it('of a single sentence are its own', () => {
    expect(pairTraits('It was never dull .', null)).toEqual({ length: 4, negation: true, overlap: null });
  });
});

/** Premise, hypothesis, gold, and what two runs predict. */
const ROWS = [
  ['a b c d e', 'a b c d e', 0, 0, 0],
  ['a b c d e', 'a b c d x', 0, 1, 0],
  ['a b c d e', 'a x y z w', 1, 1, 0],
  ['a b c d e', 'nobody x y z w v', 1, 2, 2],
  [Array(30).fill('word').join(' '), 'not a word', 2, 0, 1],
  ['a', '.', 2, 2, 2],
] as const;

function analysed(): AnalysedPairs {
  const builder = new ExampleColumnsBuilder(ROWS.length);
  for (const [premise, hypothesis, gold] of ROWS)
    builder.add({ labels: Uint8Array.of(gold), premises: [premise], hypotheses: [hypothesis] });
  const block = (predictions: readonly number[]) => {
    const probabilities = new Float32Array(predictions.length * 3).fill(0.1);
    for (const [at, predicted] of predictions.entries())
      probabilities[at * 3 + predicted] = at === 4 ? 0.9 : 0.5 + at / 100;
    return predictionColumns({ probabilities, classes: 3 });
  };
  return {
    examples: builder.finish(),
    run: block(ROWS.map(([, , , predicted]) => predicted)),
    other: block(ROWS.map(([, , , , predicted]) => predicted)),
  };
}

function chosen(filter: object, holdsText: Uint8Array | null = null): number[] {
  return [...chosenExamples(analysed(), errorFilterSchema.parse(filter), holdsText)];
}

describe('a filter', () => {
  it.each([
    ['nothing: the wrong ones', {}, [1, 3, 4]],
    ['all', { correctness: 'all' }, [0, 1, 2, 3, 4, 5]],
    ['right', { correctness: 'right' }, [0, 2, 5]],
    ['one cell', { cells: [{ gold: 1, predicted: 2 }] }, [3]],
    [
      'two cells',
      {
        cells: [
          { gold: 0, predicted: 1 },
          { gold: 2, predicted: 0 },
        ],
      },
      [1, 4],
    ],
    ['a cell on the diagonal', { correctness: 'all', cells: [{ gold: 0, predicted: 0 }] }, [0]],
    ['a cell outside the matrix', { correctness: 'all', cells: [{ gold: 0, predicted: 4 }] }, []],
    ['at least so many words', { correctness: 'all', lengthFrom: 11 }, [3, 4]],
    ['at most so many words', { correctness: 'all', lengthTo: 1 }, [5]],
    ['negation', { negation: true }, [3, 4]],
    ['no negation', { correctness: 'all', negation: false }, [0, 1, 2, 5]],
    ['overlap, both ends included', { correctness: 'all', overlapFrom: 0.2, overlapTo: 0.8 }, [1, 2, 4]],
    [
      'overlap from nothing, without pairs that have none',
      { correctness: 'all', overlapFrom: 0 },
      [0, 1, 2, 3, 4],
    ],
    ['fixed', { change: 'fixed' }, [2]],
    ['broken', { change: 'broken' }, [1]],
    ['both wrong', { change: 'bothWrong' }, [3, 4]],
    ['both right', { change: 'bothRight' }, [0, 5]],
    ['several things at once', { negation: true, lengthFrom: 30 }, [4]],
  ])('by %s', (_, filter, expected) => {
    expect(chosen(filter)).toEqual(expected);
  });

  it('by text leaves what holds it', () => {
    expect(chosen({}, Uint8Array.of(1, 1, 0, 0, 1, 0))).toEqual([1, 4]);
  });
});

it.each([
  ['mostConfident', [4, 5, 3, 2, 1, 0]],
  ['leastConfident', [0, 1, 2, 3, 5, 4]],
  ['longest', [4, 3, 0, 1, 2, 5]],
  ['shortest', [5, 0, 1, 2, 3, 4]],
  ['index', [0, 1, 2, 3, 4, 5]],
] as const)('examples stand in order: %s', (sort, expected) => {
  const everything = Int32Array.of(5, 4, 3, 2, 1, 0);
  expect([...sortExamples(everything, analysed(), sort)]).toEqual(expected);
});

it('half a million examples are sorted as a comparator sorts them', () => {
  const pairs = 550_000;
  const probabilities = Float32Array.from({ length: 2 * pairs }, (_, at) =>
    at % 2 === 0 ? Math.fround(((at * 7919) % 10_007) / 20_014) : 0,
  );
  const run = predictionColumns({ probabilities, classes: 2 });
  const examples = new ExampleColumnsBuilder(pairs).finish();
  const all = Int32Array.from({ length: pairs }, (_, at) => at);
  const expected = all.toSorted((a, b) => run.confidences[b]! - run.confidences[a]! || a - b);
  expect(sortExamples(all, { examples, run, other: null }, 'mostConfident')).toEqual(expected);
});

it('slices cover every pair with an overlap once, and their filters show their mistakes', () => {
  const pairs = analysed();
  const slices = new Map(slicesOf(pairs, 2).map((slice) => [slice.key, slice]));
  const figures = Object.fromEntries([...slices].map(([key, slice]) => [key, [slice.pairs, slice.wrong]]));
  expect(figures).toEqual({
    negation: [2, 2],
    short: [5, 2],
    medium: [1, 1],
    long: [0, 0],
    lowOverlap: [1, 1],
    mediumOverlap: [3, 2],
    highOverlap: [1, 0],
    all: [6, 3],
  });
  for (const { filter, wrong } of slices.values()) expect(chosen(filter).length).toBe(wrong);
  expect(slicesOf(pairs, 1).map(({ key }) => key)).toEqual(['negation', 'short', 'medium', 'long', 'all']);
});

it('counts confusions and changes', () => {
  const { examples, run, other } = analysed();
  expect(confusionOf(examples.gold, run)).toEqual([
    [1, 1, 0],
    [0, 1, 1],
    [1, 0, 1],
  ]);
  expect(countChanges(examples.gold, run, other!)).toEqual({
    fixed: 1,
    broken: 1,
    bothWrong: 2,
    bothRight: 2,
  });
});

it('a prediction of NaN is sure of nothing', () => {
  const { predicted, confidences } = predictionColumns({
    probabilities: Float32Array.of(Number.NaN, Number.NaN, 0.25, 0.75),
    classes: 2,
  });
  expect([...predicted, ...confidences]).toEqual([0, 1, 0, 0.75]);
});
