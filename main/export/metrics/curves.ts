/** @file Runs anywhere. A run's curves on their way to a file. */
import type { MetricName } from '../../../shared/runs.ts';

/** One curve; all arrays are of the same length. */
export interface MetricCurve {
  readonly metric: MetricName;
  /** Optimizer steps done. */
  readonly steps: Int32Array;
  readonly epochs: Float64Array;
  /** NaN where the value was not a number. */
  readonly values: Float64Array;
  /** Milliseconds since 1970. */
  readonly atMs: Float64Array;
}

export interface NamedCurves {
  readonly runId: string;
  /** The run's name; its id where it has none. */
  readonly name: string;
  readonly curves: readonly MetricCurve[];
}

export const pointsOf = (curves: readonly MetricCurve[]) =>
  curves.reduce((points, { steps }) => points + steps.length, 0);
