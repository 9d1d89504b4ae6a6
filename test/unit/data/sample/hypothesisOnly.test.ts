/** @file Tests. One sentence of the built-in sample does not tell the label: only reading both helps. */
import { describe, expect, it } from 'vitest';
import { generateSample, SAMPLE_PLAN, type SamplePair } from '../../../../main/data/sample/generate.ts';
import { say } from '../../../../main/data/sample/grammar.ts';
import { SNLI_LABELS } from '../../../../shared/datasets.ts';
import { accuracyOf, fitLogisticRegression, type TextExample } from '../../../support/logisticRegression.ts';

const sample = generateSample(SAMPLE_PLAN);
const L2 = [1e-2, 1e-3];

function sentences(pairs: readonly SamplePair[], side: 'premise' | 'hypothesis'): TextExample[] {
  return pairs.map((pair) => ({ tokens: say(pair[side]).tokens, label: SNLI_LABELS.indexOf(pair.label) }));
}

/** The best test accuracy that any of the decays reaches; choosing on test only makes the bar harder. */
function bestAccuracy(side: 'premise' | 'hypothesis'): number {
  const [train, test] = [sentences(sample.train, side), sentences(sample.test, side)];
  const accuracies = L2.map((l2) => accuracyOf(fitLogisticRegression(train, { classes: 3, l2 }), test));
  return Math.max(...accuracies);
}

describe('one sentence alone', () => {
  it('does not tell the label when it is the hypothesis', () => {
    expect(bestAccuracy('hypothesis')).toBeLessThanOrEqual(0.4);
  });

  it('tells little when it is the premise', () => {
    expect(bestAccuracy('premise')).toBeLessThanOrEqual(0.5);
  });

  it('has the same hypotheses under every label, so that no classifier of hypotheses does better than chance', () => {
    for (const pairs of Object.values(sample)) {
      const [entailed, ...others] = SNLI_LABELS.map((label) =>
        pairs
          .filter((pair) => pair.label === label)
          .map(({ hypothesis }) => say(hypothesis).tokens)
          .sort(),
      );
      for (const other of others) expect(other).toEqual(entailed);
    }
  });
});

describe('the yardstick itself', () => {
  it('tells labels that a word gives away', () => {
    const train = [
      { tokens: 'A dog sleeps .', label: 0 },
      { tokens: 'A cat sleeps .', label: 1 },
      { tokens: 'A big dog runs .', label: 0 },
      { tokens: 'A big cat runs .', label: 1 },
    ];
    const model = fitLogisticRegression(train, { classes: 2, l2: 1e-4 });
    expect(accuracyOf(model, train)).toBe(1);
    expect(model.predict('The dog barks .')).toBe(0);
  });

  it('tells labels that only two neighbouring words give away', () => {
    const train = [
      { tokens: 'a b c d', label: 0 },
      { tokens: 'c b a d', label: 1 },
    ];
    const model = fitLogisticRegression(train, { classes: 2, l2: 1e-4 });
    expect(accuracyOf(model, train)).toBe(1);
  });
});
