/** @file Runs in workers. A model's answers against the labels of any data set that they can be compared with. */

import type { GroupedAccuracy } from '../../shared/kindAccuracy.ts';
import { isOneToOne } from '../../shared/labelMatching.ts';
import type { ExampleGroup } from '../data/exampleGroups.ts';
import { type Answers, argMax, type Probabilities } from './evaluation.ts';

/**
 * Takes each of the model's classes for the class of the data set as which it counts: the class with the highest probability
 * is chosen first and then renamed (McCoy et al. 2019), the loss is that of the summed probabilities.
 * @param counted for each class of the model one of the data set's, as `countedAs` gives it
 * @param gold indices into the data set's labels
 */
export function answersCounted(
  { values, losses: own, seconds }: Probabilities,
  counted: readonly number[],
  gold: Int32Array,
): Answers {
  const classes = counted.length;
  const predicted = new Int32Array(gold.length);
  // Where every answer counts as itself, the losses that were computed before rounding are the better ones.
  const losses = isOneToOne(counted) ? own : new Float64Array(gold.length);
  for (let pair = 0; pair < gold.length; pair++) {
    const row = values.subarray(pair * classes, (pair + 1) * classes);
    predicted[pair] = counted[argMax(row)]!;
    if (losses === own) continue;
    const goldMass = row.reduce((sum, value, at) => (counted[at] === gold[pair] ? sum + value : sum), 0);
    losses[pair] = -Math.log(Math.max(goldMass, Number.MIN_VALUE));
  }
  return { predicted, losses, seconds };
}

/** How many are right of each kind that the data set tells apart, and of each by gold label. */
export function accuracyByGroup(
  groups: readonly ExampleGroup[],
  { predicted }: Pick<Answers, 'predicted'>,
  gold: Int32Array,
  labels: readonly string[],
): GroupedAccuracy[] {
  return groups.map(({ name, kinds, codes }) => {
    const pairs = new Int32Array(kinds.length * labels.length);
    const correct = new Int32Array(kinds.length * labels.length);
    for (let pair = 0; pair < gold.length; pair++) {
      const cell = codes[pair]! * labels.length + gold[pair]!;
      pairs[cell]! += 1;
      if (predicted[pair] === gold[pair]) correct[cell]! += 1;
    }
    const sumOf = (cells: Int32Array, kind: number) =>
      cells.subarray(kind * labels.length, (kind + 1) * labels.length).reduce((sum, count) => sum + count, 0);
    return {
      group: name,
      kinds: kinds.map((kind, at) => ({
        kind,
        pairs: sumOf(pairs, at),
        correct: sumOf(correct, at),
        byLabel: labels.map((label, index) => ({
          label,
          pairs: pairs[at * labels.length + index]!,
          correct: correct[at * labels.length + index]!,
        })),
      })),
    };
  });
}
