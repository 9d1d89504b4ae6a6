/** @file Runs anywhere. The nouns of comparing runs: settings and figures side by side. */

export type ComparedValue = string | number | boolean | null;

/** One line of a comparison: a value a run, in the order of the runs; null where a run has none. */
export interface ComparisonRow {
  /** A path such as "hyperparameters.lr", "dataset.contentHash" or "engine.device". */
  readonly key: string;
  readonly values: readonly ComparedValue[];
  readonly differs: boolean;
}

export interface RunComparison {
  readonly runs: readonly { readonly id: string; readonly name: string | null; readonly state: string }[];
  /** Configuration, engine and environment, every row; a person is shown those that differ. */
  readonly settings: readonly ComparisonRow[];
  /** The result, and the last value of every metric that at least one run has. */
  readonly metrics: readonly ComparisonRow[];
}
