/** @file Runs anywhere. What an import gives, whatever format the weights came in: read tensor by tensor, never held twice. */
import type { ModelConfig } from '../../shared/runs.ts';
import type { ParameterShape } from '../model/parameters.ts';

export interface OpenedWeights {
  readonly model: ModelConfig;
  /** The parameters that the file has, in the order of the network. */
  readonly shapes: readonly ParameterShape[];
  /** Names of parameters that the file does not have: they begin at random. */
  readonly fresh: readonly string[];
  /** Names of tensors in the file that the network has no place for. */
  readonly unused: readonly string[];
  /** Sentences for a person: what was left out or is odd. */
  readonly notes: readonly string[];
  /** The numbers of one of `shapes`. */
  read(name: string): Promise<Float32Array>;
  /** What is odd about the numbers that were read so far. */
  doubts(): string[];
  close(): Promise<void>;
}
