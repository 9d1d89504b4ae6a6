/** @file Node. Configurations of runs that an earlier version wrote: what it did not know to say. */
import type { ModelConfig, RunConfig } from '../../shared/runs.ts';

/** Every network was the book's in this, or BERT's, until there were others. */
const MODEL_BEFORE: Pick<ModelConfig, 'segments' | 'headActivation' | 'headDropout'> = {
  segments: 2,
  headActivation: 'tanh',
  headDropout: false,
};

/** A configuration as it is stored, with what today's has besides. Its text and hash stay as they were written. */
export function completeConfig(stored: RunConfig): RunConfig {
  return { ...stored, model: { ...MODEL_BEFORE, ...stored.model } };
}
