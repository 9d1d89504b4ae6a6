/**
 * @file Runs anywhere. About how large the largest gradient of a pass is. Whoever differentiates a mean over a batch of 512 gets
 * gradients 512 times smaller than those of a sum; engines that keep gradients in half precision, which has few small
 * numbers, multiply them accordingly.
 */

let magnitude = 1;

/** Of the pass that is under way: about the largest gradient of a logit. 1 outside of one. */
export const gradientMagnitude = () => magnitude;

/** Runs `work`, which is not asynchronous, with gradients that are at most about `largest`, a positive number. */
export function withGradientMagnitude<Result>(largest: number, work: () => Result): Result {
  const before = magnitude;
  magnitude = largest;
  try {
    return work();
  } finally {
    magnitude = before;
  }
}
