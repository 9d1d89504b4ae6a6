/** @file Tests. HANS's two classes from three probabilities, and accuracy by kinds of examples. */
import { describe, expect, test } from 'vitest';
import { accuracyByGroup, answersCounted } from '../../../main/training/answersJudged.ts';

const NLI_ON_HANS = [0, 1, 1];

/** Rows of [entailment, contradiction, neutral]. */
function probabilities(rows: readonly (readonly number[])[]) {
  return {
    values: Float32Array.from(rows.flat()),
    losses: new Float64Array(rows.length).fill(7),
    seconds: 1,
  };
}

describe('answers of three classes on two', () => {
  test('are chosen first and renamed then: half of the rest each is no non-entailment', () => {
    const { predicted, losses } = answersCounted(
      probabilities([
        [0.4, 0.3, 0.3],
        [0.2, 0.5, 0.3],
        [0.1, 0.2, 0.7],
      ]),
      NLI_ON_HANS,
      Int32Array.of(1, 1, 0),
    );
    expect([...predicted]).toEqual([0, 1, 1]);
    expect(losses[0]).toBeCloseTo(-Math.log(0.6), 6);
    expect(losses[2]).toBeCloseTo(-Math.log(0.1), 6);
  });

  test('have a loss that is a number even where nothing is left for the gold label', () => {
    const { losses } = answersCounted(probabilities([[1, 0, 0]]), NLI_ON_HANS, Int32Array.of(1));
    expect(losses[0]).toBeGreaterThan(700);
    expect(losses[0]).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  test('keep their own losses where each counts as itself', () => {
    const { losses } = answersCounted(probabilities([[1, 0, 0]]), [0, 1, 2], Int32Array.of(1));
    expect([...losses]).toEqual([7]);
  });
});

test('accuracy is told for each kind, and for each by gold label', () => {
  const groups = [
    { name: 'heuristic', kinds: ['subsequence', 'constituent', 'none'], codes: Uint8Array.of(0, 0, 1, 0) },
  ];
  const predicted = Int32Array.of(0, 1, 1, 1);
  const gold = Int32Array.of(0, 0, 1, 1);
  expect(accuracyByGroup(groups, { predicted }, gold, ['yes', 'no'])).toEqual([
    {
      group: 'heuristic',
      kinds: [
        {
          kind: 'subsequence',
          pairs: 3,
          correct: 2,
          byLabel: [
            { label: 'yes', pairs: 2, correct: 1 },
            { label: 'no', pairs: 1, correct: 1 },
          ],
        },
        {
          kind: 'constituent',
          pairs: 1,
          correct: 1,
          byLabel: [
            { label: 'yes', pairs: 0, correct: 0 },
            { label: 'no', pairs: 1, correct: 1 },
          ],
        },
        {
          kind: 'none',
          pairs: 0,
          correct: 0,
          byLabel: [
            { label: 'yes', pairs: 0, correct: 0 },
            { label: 'no', pairs: 0, correct: 0 },
          ],
        },
      ],
    },
  ]);
});
