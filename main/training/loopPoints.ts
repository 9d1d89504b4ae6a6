/** @file Runs anywhere. What the loop reports: the points of steps, running means and epochs. */
import type { MetricPoint, RunResult } from '../../shared/runs.ts';
import type { FurtherFigures } from './loopParts.ts';
import type { LoopState } from './loopState.ts';
import type { StepFigures } from './stepReadings.ts';

export function stepPoints(figures: StepFigures, further: FurtherFigures | null): MetricPoint[] {
  const { step, epoch, lr, pairs, lossSum, correct, gradientNorm } = figures;
  const common = { step, epoch, atMs: Date.now() };
  return [
    { metric: 'step/loss', value: lossSum / pairs, ...common },
    { metric: 'step/accuracy', value: correct / pairs, ...common },
    { metric: 'step/learningRate', value: lr, ...common },
    { metric: 'step/gradientNorm', value: gradientNorm, ...common },
    ...(further?.metricsOf(figures.further) ?? []).map(
      ([name, value]): MetricPoint => ({ metric: `step/${name}`, value, ...common }),
    ),
  ];
}

/** The book's running means over the epoch so far. */
export function runningPoints(state: LoopState, epoch: number): MetricPoint[] {
  const { step, epochLoss, epochCorrect, epochPairs } = state;
  const common = { step, epoch, atMs: Date.now() };
  return [
    { metric: 'running/loss', value: epochLoss / epochPairs, ...common },
    { metric: 'running/accuracy', value: epochCorrect / epochPairs, ...common },
  ];
}

/** Of the epoch that ends; its sums are still there. */
export function epochPoints(
  state: LoopState,
  { truncatedPairs, further }: { truncatedPairs: number; further: FurtherFigures | null },
): MetricPoint[] {
  const { step, epochLoss, epochCorrect, epochPairs, epochSeconds, epochFurther } = state;
  const common = { step, epoch: state.epoch + 1, atMs: Date.now() };
  return [
    { metric: 'epoch/trainLoss', value: epochLoss / epochPairs, ...common },
    { metric: 'epoch/trainAccuracy', value: epochCorrect / epochPairs, ...common },
    ...(further?.metricsOf(epochFurther) ?? []).map(
      ([name, value]): MetricPoint => ({ metric: `epoch/${name}`, value, ...common }),
    ),
    { metric: 'epoch/pairsPerSecond', value: epochPairs / epochSeconds, ...common },
    { metric: 'epoch/seconds', value: epochSeconds, ...common },
    { metric: 'epoch/truncatedPairs', value: truncatedPairs, ...common },
  ];
}

/** What pretraining has in its result beside the rest; a run that is stopped inside an epoch is told by what it has seen of it. */
export function furtherResult(
  { epochFurther, lastFurther, epochPairs }: LoopState,
  further: FurtherFigures | null,
): Pick<RunResult, 'pretraining'> {
  const sums = epochPairs > 0 ? epochFurther : lastFurther;
  if (further === null || sums.length === 0) return {};
  const { maskedLoss = 0, maskedAccuracy = 0, nextLoss = 0 } = Object.fromEntries(further.metricsOf(sums));
  return { pretraining: { maskedLoss, maskedAccuracy, nextLoss } };
}
