/**
 * @file Runs in the page. The smoothed curve: an exponential moving average without the bias of its start. An entry that
 * stands for n points counts n times, so that a curve smooths alike however it was thinned out.
 */
import type { LinePoints } from './lineBuffer.ts';

export const STRONGEST_SMOOTHING = 0.99;

export interface SmoothingState {
  readonly sum: number;
  readonly weight: number;
}

const START: SmoothingState = { sum: 0, weight: 0 };

/** `before` is the state at the beginning of a zoomed part, so that zooming does not change the curve. */
export function smooth(points: LinePoints, strength: number, before: SmoothingState = START): Float64Array {
  const smoothed = new Float64Array(points.length);
  run(points, strength, before, (at, value) => {
    smoothed[at] = value;
  });
  return smoothed;
}

/** The state after every entry before `x`. */
export function smoothingStateAt(points: LinePoints, strength: number, x: number): SmoothingState {
  let end = 0;
  while (end < points.length && points.x[end]! < x) end++;
  return run(firstEntries(points, end), strength, START, () => {});
}

function firstEntries(points: LinePoints, length: number): LinePoints {
  const { x, min, max, mean, last, count, bucketed } = points;
  return { x, min, max, mean, last, count, bucketed, length };
}

function run(
  points: LinePoints,
  strength: number,
  before: SmoothingState,
  tell: (at: number, value: number) => void,
): SmoothingState {
  let { sum, weight } = before;
  const { mean, count, length } = points;
  for (let at = 0; at < length; at++) {
    const value = mean[at]!;
    if (Number.isNaN(value)) {
      tell(at, Number.NaN);
      continue;
    }
    // Powers are slow, and most entries are single points.
    const kept = count[at] === 1 ? strength : strength ** count[at]!;
    sum = sum * kept + (1 - kept) * value;
    weight = weight * kept + (1 - kept);
    tell(at, sum / weight);
  }
  return { sum, weight };
}
