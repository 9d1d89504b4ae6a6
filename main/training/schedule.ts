/** @file Runs anywhere. Learning rate over a run, as a share of its peak: numbers in, numbers out. */
import type { Hyperparameters } from '../../shared/hyperparameters.ts';

/** Factor of the learning rate at `step` (from 0) of `totalSteps`: warm-up to 1, then constant, linear or cosine. */
export function scheduleFactor(
  { schedule, warmup }: Pick<Hyperparameters, 'schedule' | 'warmup'>,
  step: number,
  totalSteps: number,
): number {
  const warmSteps = Math.ceil(warmup * totalSteps);
  if (step < warmSteps) return (step + 1) / warmSteps;
  if (schedule === 'constant') return 1;
  const progress = (step - warmSteps) / Math.max(1, totalSteps - warmSteps);
  return schedule === 'linear' ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress));
}
