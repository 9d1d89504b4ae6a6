/** @file Runs anywhere. How far an engine's numbers are from those that are expected. */

/** Compares the numbers of one thing with what they should be; what it does with the distance is its own affair. */
export type Compare = (
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
) => void;

/** By what a forward pass, a gradient and a parameter may be off, relative to the largest expected value. */
export const FORWARD = 1e-5;
export const GRADIENT = 1e-4;
export const PARAMETER = 1e-6;
/** After some steps: where a gradient is small, Adam's first steps turn its last digits into whole digits of the weight. */
export const TRAINED_PARAMETER = 1e-4;

/** A mean loss of twenty steps whose weights are the engine's own; PyTorch's fp32 is 1e-7 from its float64. */
export const TRAINED_LOSS = 1e-4;

/** How far two tensors are apart, relative to the largest absolute value that is expected (architecture.md). */
export function relativeDistance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  let distance = 0;
  for (let index = 0; index < expected.length; index++) {
    // Math.max hands NaN on, so one NaN makes the whole distance NaN
    distance = Math.max(distance, Math.abs(actual[index]! - expected[index]!));
    largest = Math.max(largest, Math.abs(expected[index]!));
  }
  return largest === 0 ? distance : distance / largest;
}

/** The farthest of everything that was compared. */
export interface Farthest {
  readonly name: string;
  /** Null where a number was none, or one was missing. */
  readonly relativeError: number | null;
  readonly tolerance: number;
}

/** How many times its tolerance a distance is; without a number it is beyond any. */
function excess({ relativeError, tolerance }: Farthest): number {
  if (relativeError === 0) return 0;
  return relativeError === null || tolerance === 0 ? Number.POSITIVE_INFINITY : relativeError / tolerance;
}

/** Collects comparisons and keeps the one that is farthest beyond its tolerance, or nearest to it. */
export class Comparisons {
  #count = 0;
  #farthest: Farthest | null = null;

  readonly compare: Compare = (name, actual, expected, tolerance) => {
    const distance = actual.length === expected.length ? relativeDistance(actual, expected) : Number.NaN;
    const one = { name, relativeError: Number.isFinite(distance) ? distance : null, tolerance };
    this.#count++;
    if (this.#farthest === null || excess(one) > excess(this.#farthest)) this.#farthest = one;
  };

  get count(): number {
    return this.#count;
  }

  get farthest(): Farthest | null {
    return this.#farthest;
  }
}

export function isWithin({ relativeError, tolerance }: Farthest): boolean {
  return relativeError !== null && relativeError <= tolerance;
}
