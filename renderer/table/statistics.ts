/** @file Runs in the page. Mean, sample deviation, least and greatest of some numbers. */

export interface Summary {
  /** How many numbers there were. */
  readonly count: number;
  readonly mean: number;
  /** Sample standard deviation (n − 1); null for fewer than two numbers. */
  readonly deviation: number | null;
  readonly min: number;
  readonly max: number;
}

/** Two passes, so that close values keep their digits. Null when there is no number. */
export function summarise(values: readonly number[]): Summary | null {
  const count = values.length;
  if (count === 0) return null;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const mean = sum / count;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return { count, mean, deviation: count < 2 ? null : Math.sqrt(squares / (count - 1)), min, max };
}
