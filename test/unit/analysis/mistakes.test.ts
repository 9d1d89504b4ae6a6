/** @file Tests. What a model got wrong, most confident first. */
import { describe, expect, it } from 'vitest';
import { predictedClass, worstMistakes } from '../../../main/analysis/mistakes.ts';

describe('mistakes', () => {
  // Three classes, five pairs.
  const probabilities = Float32Array.from([
    0.5, 0.25, 0.25, 0.25, 0.5, 0.25, 0.125, 0.125, 0.75, 1, 0, 0, 0.5, 0.5, 0,
  ]);

  it('are the pairs whose largest probability is not the gold label, surest first', () => {
    expect(worstMistakes({ probabilities, classes: 3 }, [0, 0, 1, 2, 0], 2)).toEqual([
      { index: 3, gold: 2, predicted: 0, confidence: 1 },
      { index: 2, gold: 1, predicted: 2, confidence: 0.75 },
    ]);
    expect(worstMistakes({ probabilities, classes: 3 }, [0, 1, 2, 0, 0], 5)).toEqual([]);
  });

  it('take the first of equal classes, as argmax does', () => {
    expect(predictedClass(probabilities, 3, 4)).toBe(0);
  });
});
