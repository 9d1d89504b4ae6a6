/** @file Runs anywhere. A run's predictions beside the gold labels: what was predicted, how surely, how two runs differ. */
import type { Change } from '../../shared/contract/errorAnalysis.ts';
import type { PredictionBlock } from '../../shared/runs.ts';
import { predictedClass } from './mistakes.ts';

/** One entry an example, in the order of the split. */
export interface PredictionColumns {
  readonly classes: number;
  /** Row-major [pairs, classes]. */
  readonly probabilities: Float32Array;
  readonly predicted: Uint8Array;
  /** Probability of the predicted class. */
  readonly confidences: Float32Array;
}

export function predictionColumns({
  probabilities,
  classes,
}: Pick<PredictionBlock, 'probabilities' | 'classes'>): PredictionColumns {
  const pairs = probabilities.length / classes;
  const predicted = new Uint8Array(pairs);
  const confidences = new Float32Array(pairs);
  for (let index = 0; index < pairs; index++) {
    const label = predictedClass(probabilities, classes, index);
    predicted[index] = label;
    // A model that has diverged predicts NaN, which is sure of nothing.
    confidences[index] = probabilities[index * classes + label]! || 0;
  }
  return { classes, probabilities, predicted, confidences };
}

/** counts[gold][predicted] */
export function confusionOf(gold: Uint8Array, { classes, predicted }: PredictionColumns): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let index = 0; index < gold.length; index++) counts[gold[index]!]![predicted[index]!]!++;
  return counts;
}

/** What happened to a pair on the way from another run to this one. */
export function changeOf(right: boolean, otherRight: boolean): Change {
  if (right) return otherRight ? 'bothRight' : 'fixed';
  return otherRight ? 'broken' : 'bothWrong';
}

export function countChanges(
  gold: Uint8Array,
  run: PredictionColumns,
  other: PredictionColumns,
): Record<Change, number> {
  const counts = { fixed: 0, broken: 0, bothWrong: 0, bothRight: 0 };
  for (let index = 0; index < gold.length; index++)
    counts[changeOf(run.predicted[index] === gold[index], other.predicted[index] === gold[index])]++;
  return counts;
}
