/** @file Runs anywhere. Everything that a run needs to go on bit for bit, beside its weights. */

/** Where a run is; stored with every checkpoint. */
export interface LoopState {
  /** Optimizer steps done. */
  step: number;
  /** Epochs completed. */
  epoch: number;
  /** Steps done in the current epoch. */
  stepInEpoch: number;
  /** Sums over the current epoch, for the book's running means. */
  epochLoss: number;
  epochCorrect: number;
  epochPairs: number;
  epochSeconds: number;
  /** Sums over the current epoch of what the task measures beside loss and accuracy. */
  epochFurther: number[];
  /** Sums of the last whole epoch. */
  lastFurther: number[];
  /** Seconds in training steps of the whole run; evaluation is not counted, as in the book. */
  trainSeconds: number;
  trainPairs: number;
  /** The last step that was evaluated, so that none is evaluated twice after resuming. */
  evaluatedAtStep: number;
  bestAccuracy: number | null;
  /** What "best" is measured by: the accuracy of a classifier, the negative loss of pretraining. */
  bestScore: number | null;
  evaluationsSinceBest: number;
  lastTrainLoss: number;
  lastTrainAccuracy: number;
}

export const freshState = (): LoopState => ({
  step: 0,
  epoch: 0,
  stepInEpoch: 0,
  epochLoss: 0,
  epochCorrect: 0,
  epochPairs: 0,
  epochSeconds: 0,
  epochFurther: [],
  lastFurther: [],
  trainSeconds: 0,
  trainPairs: 0,
  evaluatedAtStep: 0,
  bestAccuracy: null,
  bestScore: null,
  evaluationsSinceBest: 0,
  lastTrainLoss: Number.NaN,
  lastTrainAccuracy: Number.NaN,
});
