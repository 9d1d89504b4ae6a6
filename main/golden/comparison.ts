/** @file Runs anywhere. How far an engine's numbers are from those that are expected. */

import type { ComparedPrecision } from '../../shared/engines.ts';

/** By what numbers may be off, relative to the largest that is expected: whatever computes them, or by precision. */
export type Tolerance = number | { readonly single: number; readonly half: number };

export function toleranceIn(precision: ComparedPrecision, tolerance: Tolerance): number {
  if (typeof tolerance === 'number') return tolerance;
  return precision === 'fp16' ? tolerance.half : tolerance.single;
}

/** Compares the numbers of one thing with what they should be; what it does with the distance is its own affair. */
export type Compare = (
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance,
) => void;

/**
 * Of a forward pass, and of a gradient. Numbers in half precision are 2^-11 apart, a few products deep; what was measured is a
 * third of what is allowed.
 */
export const FORWARD: Tolerance = { single: 1e-5, half: 0.02 };
export const GRADIENT: Tolerance = { single: 1e-4, half: 0.05 };
/** Of a parameter after one step of Adam, which computes in single precision everywhere. */
export const PARAMETER = 1e-6;
/** After some steps: where a gradient is small, Adam's first steps turn its last digits into whole digits of the weight. */
export const TRAINED_PARAMETER: Tolerance = { single: 1e-4, half: 0.05 };
/** How far a parameter went, as a share of how far it should have gone: small steps of large weights show here. */
export const MOVEMENT: Tolerance = { single: 0.02, half: 0.3 };

/** A mean loss of twenty steps whose weights are the engine's own; PyTorch's fp32 is 1e-7 from its float64. */
export const TRAINED_LOSS: Tolerance = { single: 1e-4, half: 5e-3 };

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
  readonly #precision: ComparedPrecision;
  #count = 0;
  #farthest: Farthest | null = null;

  constructor(precision: ComparedPrecision = 'fp32') {
    this.#precision = precision;
  }

  readonly compare: Compare = (name, actual, expected, allowed) => {
    const tolerance = toleranceIn(this.#precision, allowed);
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
