/** @file Runs anywhere. What an import gives, whatever format the weights came in. */
import type { ModelConfig } from '../../shared/runs.ts';
import type { NamedTensor } from '../files/tensorTypes.ts';

export interface ImportedWeights {
  readonly model: ModelConfig;
  /** F32, by our names, in the order of the network. */
  readonly tensors: ReadonlyMap<string, NamedTensor>;
  /** Parameters that the file does not have: they begin at random. */
  readonly fresh: readonly string[];
  /** Names of tensors in the file that the network has no place for. */
  readonly unused: readonly string[];
  /** Sentences for a person: what was left out or is odd. */
  readonly notes: readonly string[];
}
