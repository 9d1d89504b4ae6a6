/** @file Runs anywhere. Which examples a person asked for, and in which order. Pure functions over columns. */
import type { ErrorFilter, ErrorSort } from '../../shared/contract/errorAnalysis.ts';
import type { ExampleColumns } from './exampleColumns.ts';
import { changeOf, type PredictionColumns } from './predictionColumns.ts';

/** Everything that a choice of examples looks at. */
export interface AnalysedPairs {
  readonly examples: ExampleColumns;
  readonly run: PredictionColumns;
  /** Another run on the same rows. */
  readonly other: PredictionColumns | null;
}

type Test = (index: number) => boolean;

/** Indices in ascending order. `holdsText` has a 1 for each example with the text looked for; null looks for none. */
export function chosenExamples(
  pairs: AnalysedPairs,
  filter: ErrorFilter,
  holdsText: Uint8Array | null,
): Int32Array {
  const tests = [
    ...outcomeTests(pairs, filter),
    ...traitTests(pairs.examples, filter),
    ...(holdsText === null ? [] : [(index: number) => holdsText[index] === 1]),
  ];
  const chosen = new Int32Array(pairs.examples.pairs);
  let count = 0;
  for (let index = 0; index < pairs.examples.pairs; index++)
    if (tests.every((test) => test(index))) chosen[count++] = index;
  return chosen.slice(0, count);
}

function outcomeTests({ examples: { gold }, run, other }: AnalysedPairs, filter: ErrorFilter): Test[] {
  const { cells, change, correctness } = filter;
  const right = (index: number) => run.predicted[index] === gold[index];
  const tests: Test[] = [];
  if (change !== null && other !== null)
    tests.push((index) => changeOf(right(index), other.predicted[index] === gold[index]) === change);
  // A change says already whether the run is right.
  else if (correctness !== 'all') tests.push((index) => right(index) === (correctness === 'right'));
  if (cells.length > 0) {
    const inMatrix = cells.filter((cell) => cell.predicted < run.classes);
    const wanted = new Set(inMatrix.map((cell) => cell.gold * run.classes + cell.predicted));
    tests.push((index) => wanted.has(gold[index]! * run.classes + run.predicted[index]!));
  }
  return tests;
}

function traitTests({ lengths, negations, overlaps }: ExampleColumns, filter: ErrorFilter): Test[] {
  const { lengthFrom, lengthTo, negation, overlapFrom, overlapTo } = filter;
  const tests: Test[] = [];
  if (negation !== null) tests.push((index) => negations[index] === (negation ? 1 : 0));
  if (lengthFrom !== null) tests.push((index) => lengths[index]! >= lengthFrom);
  if (lengthTo !== null) tests.push((index) => lengths[index]! <= lengthTo);
  // Where there is nothing to compare, the overlap is NaN: neither above nor below anything.
  if (overlapFrom !== null) tests.push((index) => overlaps[index]! >= overlapFrom);
  if (overlapTo !== null) tests.push((index) => overlaps[index]! <= overlapTo);
  return tests;
}

/** Sorts in place, ties by index: the same choice stands in the same order whenever it is asked for. */
export function sortExamples(chosen: Int32Array, pairs: AnalysedPairs, sort: ErrorSort): Int32Array {
  if (sort === 'index') return chosen.sort();
  const rank = rankFor(pairs, sort);
  const order = Float64Array.from(chosen, (index) => rank(index) * pairs.examples.pairs + index);
  // One number for rank and index, because numbers sort many times as fast as with a comparator.
  order.sort();
  for (const [at, place] of order.entries()) chosen[at] = place % pairs.examples.pairs;
  return chosen;
}

/** Whole numbers below 2^30, the first in order lowest: with up to 2^23 pairs rank and index fit a double exactly. */
const HIGHEST_RANK = 2 ** 30;

function rankFor(
  { examples: { lengths }, run }: AnalysedPairs,
  sort: Exclude<ErrorSort, 'index'>,
): (index: number) => number {
  const length = (index: number) => Math.min(lengths[index]!, HIGHEST_RANK);
  if (sort === 'shortest') return length;
  if (sort === 'longest') return (index) => HIGHEST_RANK - length(index);
  const { confidences } = run;
  // Read as whole numbers, the bits of floats from 0 to 1 are in the floats' order, and below 2^30.
  const bits = new Uint32Array(confidences.buffer, confidences.byteOffset, confidences.length);
  return sort === 'leastConfident' ? (index) => bits[index]! : (index) => HIGHEST_RANK - bits[index]!;
}
