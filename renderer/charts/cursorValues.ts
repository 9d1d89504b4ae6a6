/** @file Runs in the page. What the tooltip and the table under a chart say at one place along x. */
import type { DrawnLine } from './drawnLine.ts';
import { firstAtOrAfter, nearestEntry } from './lineBuffer.ts';

export interface CursorValue {
  readonly key: string;
  readonly name: string;
  readonly colour: number;
  /** Where the run's nearest point lies, which is told when it is not where the cursor stands. */
  readonly x: number;
  readonly value: number;
  readonly smoothed: number | null;
  readonly min: number;
  readonly max: number;
  /** Points that share this entry. */
  readonly count: number;
  readonly spread: { readonly low: number; readonly high: number } | null;
}

export const TOOLTIP_ORDERS = ['nearest', 'descending', 'ascending', 'asDrawn'] as const;
export type TooltipOrder = (typeof TOOLTIP_ORDERS)[number];

/** One value a curve that reaches this far; a curve that has ended before or begins later says nothing. */
export function valuesAt(lines: readonly DrawnLine[], x: number, tolerance: number): CursorValue[] {
  return lines.flatMap((line): CursorValue[] => {
    const { points, smoothed, band } = line;
    const at = nearestEntry(points, x);
    if (at === null) return [];
    const outside = x < points.x[0]! - tolerance || x > points.x[points.length - 1]! + tolerance;
    if (outside) return [];
    return [
      {
        key: line.key,
        name: line.name,
        colour: line.colour,
        x: points.x[at]!,
        value: points.count[at]! > 1 ? points.mean[at]! : points.last[at]!,
        smoothed: smoothed?.[at] ?? null,
        min: points.min[at]!,
        max: points.max[at]!,
        count: points.count[at]!,
        spread: band === null ? null : { low: band.low[at]!, high: band.high[at]! },
      },
    ];
  });
}

/**
 * The curve that the pointer is on or near, and where on it: what lies within `width` to either side counts, with one
 * entry beyond, so that a steep spike is met too. Null when the nearest is further away than `height`, in units of y.
 */
export function curveAt(
  lines: readonly DrawnLine[],
  pointer: { readonly x: number; readonly y: number },
  reach: { readonly width: number; readonly height: number },
): { readonly key: string; readonly x: number } | null {
  let best: { key: string; x: number } | null = null;
  let nearest = reach.height;
  for (const line of lines) {
    const found = nearestPart(line, pointer, reach.width);
    if (found === null || found.distance > nearest) continue;
    nearest = found.distance;
    best = { key: line.key, x: line.points.x[found.at]! };
  }
  return best;
}

/** How far the pointer is above or below the curve, and the entry that comes nearest to it. */
function nearestPart(
  { points, smoothed }: DrawnLine,
  { x, y }: { readonly x: number; readonly y: number },
  width: number,
): { readonly distance: number; readonly at: number } | null {
  const from = Math.max(0, firstAtOrAfter(points, x - width) - 1);
  const to = Math.min(points.length, firstAtOrAfter(points, x + width) + 1);
  if (to <= from || points.x[points.length - 1]! < x - width || points.x[0]! > x + width) return null;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let at = from;
  let nearest = Number.POSITIVE_INFINITY;
  for (let entry = from; entry < to; entry++) {
    const least = smoothed?.[entry] ?? points.min[entry]!;
    const greatest = smoothed?.[entry] ?? points.max[entry]!;
    if (least < low) low = least;
    if (greatest > high) high = greatest;
    // The place along x decides between entries of equal height, and is worth little beside it.
    const away = Math.max(least - y, y - greatest, 0) + Math.abs(points.x[entry]! - x) * 1e-9;
    if (away < nearest) {
      nearest = away;
      at = entry;
    }
  }
  // Between two entries the curve runs through every height between them.
  return { distance: y < low ? low - y : y > high ? y - high : 0, at };
}

const shown = ({ smoothed, value }: CursorValue) => smoothed ?? value;

/** `pointer` is the value at the height of the pointer; without one, "nearest" is as drawn. */
export function inOrder(
  values: readonly CursorValue[],
  order: TooltipOrder,
  pointer: number | null,
): CursorValue[] {
  const sorted = [...values];
  if (order === 'descending') sorted.sort((one, other) => numbersFirst(shown(other), shown(one), -1));
  else if (order === 'ascending') sorted.sort((one, other) => numbersFirst(shown(one), shown(other), 1));
  else if (order === 'nearest' && pointer !== null)
    sorted.sort((one, other) =>
      numbersFirst(Math.abs(shown(one) - pointer), Math.abs(shown(other) - pointer), 1),
    );
  return sorted;
}

/** Numbers before what is none; `sign` says which argument was swapped. */
function numbersFirst(one: number, other: number, sign: 1 | -1): number {
  if (Number.isNaN(one) || Number.isNaN(other)) {
    if (Number.isNaN(one) === Number.isNaN(other)) return 0;
    return (Number.isNaN(one) ? 1 : -1) * sign;
  }
  return one - other;
}
