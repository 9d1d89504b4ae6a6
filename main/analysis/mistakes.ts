/** @file Runs anywhere. What a model got wrong, most confident first. Pure functions. */
import type { PredictionBlock } from '../../shared/runs.ts';

export interface Mistake {
  /** Index of the example in its split. */
  readonly index: number;
  readonly gold: number;
  readonly predicted: number;
  /** Probability of the predicted class. */
  readonly confidence: number;
}

/** The class with the largest probability in row `index` of [pairs, classes]; the first of equals. */
export function predictedClass(probabilities: Float32Array, classes: number, index: number): number {
  let best = 0;
  for (let label = 1; label < classes; label++) {
    if (probabilities[index * classes + label]! > probabilities[index * classes + best]!) best = label;
  }
  return best;
}

/** The `count` most confident mistakes. `golds` holds the gold label of every example, in order. */
export function worstMistakes(
  { probabilities, classes }: Pick<PredictionBlock, 'probabilities' | 'classes'>,
  golds: readonly number[],
  count: number,
): Mistake[] {
  const mistakes: Mistake[] = [];
  for (const [index, gold] of golds.entries()) {
    const predicted = predictedClass(probabilities, classes, index);
    if (predicted !== gold)
      mistakes.push({ index, gold, predicted, confidence: probabilities[index * classes + predicted]! });
  }
  return mistakes
    .sort((one, other) => other.confidence - one.confidence || one.index - other.index)
    .slice(0, count);
}
