/** @file Runs under Node. A run's configuration as it is computed where memory did not suffice for its own. */

import type { RunConfig, RunRecord } from '../../shared/runs.ts';
import { microBatchWishOf } from '../db/queue.ts';
import type { Databases } from './databases.ts';

/** With the micro-batch that the run went on with, if a person named one: it changes memory, not the gradient. */
export function configToCompute(
  databases: Databases,
  { id, config }: Pick<RunRecord, 'id' | 'config'>,
): RunConfig {
  const microBatchTokens = microBatchWishOf(databases.store(), id);
  if (microBatchTokens === null) return config;
  return { ...config, hyperparameters: { ...config.hyperparameters, microBatchTokens } };
}
