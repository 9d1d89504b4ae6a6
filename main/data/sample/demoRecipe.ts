/** @file Runs anywhere. How the demo trains on the built-in sample; docs/sample-data.md has the measurements. */
import { type Hyperparameters, hyperparametersSchema } from '../../../shared/hyperparameters.ts';

/** A network that is small and a learning rate that is high, so that the demo ends in a minute on two cores. */
export const DEMO_HYPERPARAMETERS: Hyperparameters = hyperparametersSchema.parse({
  size: 'free',
  layers: 2,
  hidden: 64,
  heads: 8,
  feedForward: 128,
  maxLen: 32,
  epochs: 6,
  batchSize: 64,
  lr: 1.5e-3,
  schedule: 'linear',
  warmup: 0.05,
  loss: 'mean',
  dropout: 0,
});
