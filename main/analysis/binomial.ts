/** @file Runs anywhere. Binomial random numbers, exact for any size. Pure given the source of uniform numbers. */

/** Uniform in (0, 1). */
export type Uniform = () => number;

/** Below this many expected successes, counting is quicker than rejection, which needs at least 10. */
const LEAST_FOR_REJECTION = 12;

/** How many of `trials` succeed, each with probability `share`. */
export function binomial(trials: number, share: number, uniform: Uniform): number {
  if (trials === 0 || share <= 0) return 0;
  if (share >= 1) return trials;
  if (share > 0.5) return trials - binomial(trials, 1 - share, uniform);
  if (trials * share < LEAST_FOR_REJECTION) return byWaiting(trials, share, uniform);
  return byRejection(trials, share, uniform);
}

/** Adds up the waits between successes, which are geometric. */
function byWaiting(trials: number, share: number, uniform: Uniform): number {
  const logFailure = Math.log1p(-share);
  let successes = -1;
  for (let passed = 0; passed <= trials; successes++)
    passed += Math.floor(Math.log(uniform()) / logFailure) + 1;
  return successes;
}

/**
 * Transformed rejection with squeeze: W. Hörmann, "The generation of binomial random variates", Journal of Statistical
 * Computation and Simulation 46 (1993), algorithm BTRS. Nothing in it is an approximation of the distribution.
 */
function byRejection(trials: number, share: number, uniform: Uniform): number {
  const spread = Math.sqrt(trials * share * (1 - share));
  const b = 1.15 + 2.53 * spread;
  const a = -0.0873 + 0.0248 * b + 0.01 * share;
  const centre = trials * share + 0.5;
  const alpha = (2.83 + 5.1 / b) * spread;
  const squeeze = 0.92 - 4.2 / b;
  const logOdds = Math.log(share / (1 - share));
  const mode = Math.floor((trials + 1) * share);
  const atMode = logFactorial(mode) + logFactorial(trials - mode);
  for (;;) {
    const u = uniform() - 0.5;
    const v = uniform();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + centre);
    if (us >= 0.07 && v <= squeeze) return k;
    if (k < 0 || k > trials) continue;
    const bound = Math.log((v * alpha) / (a / (us * us) + b));
    if (bound <= atMode - logFactorial(k) - logFactorial(trials - k) + (k - mode) * logOdds) return k;
  }
}

const SMALL_FACTORIALS = [1, 1, 2, 6, 24, 120, 720, 5040, 40_320, 362_880].map(Math.log);
const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);

/** Stirling's series, whose first neglected term is below 1e-13 from 10 on. */
function logFactorial(n: number): number {
  const small = SMALL_FACTORIALS[n];
  if (small !== undefined) return small;
  const square = n * n;
  const series = (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / n;
  return (n + 0.5) * Math.log(n) - n + HALF_LOG_TWO_PI + series;
}
