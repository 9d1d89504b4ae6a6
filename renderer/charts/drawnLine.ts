/**
 * @file Runs in the page. What a chart draws, whatever it is drawn on: curves with colour, dashes and bands, and the
 * path of each. Canvas and SVG trace the same path, so that a figure is what was seen.
 */
import { firstAtOrAfter, type LinePoints } from './lineBuffer.ts';
import type { Range } from './scales.ts';

export interface DrawnLine {
  /** Id of the run, or key of the group. */
  readonly key: string;
  readonly name: string;
  /** 0 to 7, of the run palette. */
  readonly colour: number;
  /** Index into DASHES. */
  readonly dash: number;
  readonly baseline: boolean;
  readonly points: LinePoints;
  /** Drawn in front when there is one; the points then stay faintly behind. */
  readonly smoothed: Float64Array | null;
  /** Spread of a group, one entry a point. */
  readonly band: { readonly low: Float64Array; readonly high: Float64Array } | null;
  /** Where a run was resumed: the curve is interrupted there. */
  readonly gaps: readonly number[];
}

/** Solid first; lengths in pixels. */
export const DASHES: readonly (readonly number[])[] = [
  [],
  [6, 3],
  [2, 2.5],
  [9, 3, 2, 3],
  [12, 4],
  [4, 2, 1, 2, 1, 2],
];
export const BASELINE_DASH: readonly number[] = [7, 4];
/** Up to so many points in view each gets a mark. */
export const MOST_MARKS = 60;

export interface PathSink {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
}

export interface Placing {
  readonly toX: (x: number) => number;
  readonly toY: (y: number) => number;
  /** Of x, in its units: only what is in view is traced, and one entry on either side. */
  readonly visible: Range | null;
}

/** First and last entry to be traced, the last excluded. */
export function tracedPart(points: LinePoints, visible: Range | null): readonly [number, number] {
  if (visible === null) return [0, points.length];
  return [
    Math.max(0, firstAtOrAfter(points, visible.from) - 1),
    Math.min(points.length, firstAtOrAfter(points, visible.to) + 1),
  ];
}

/** Every point; of a bucket its least, its greatest and its last value, so that each spike is drawn in full height. */
export function tracePoints(
  { points, gaps }: Pick<DrawnLine, 'points' | 'gaps'>,
  placing: Placing,
  sink: PathSink,
): void {
  const { toX, toY, visible } = placing;
  const [from, to] = tracedPart(points, visible);
  const { x, min, max, last, bucketed } = points;
  const pen = penOf(sink, gaps);
  for (let at = from; at < to; at++) {
    const value = last[at]!;
    if (Number.isNaN(value) && Number.isNaN(min[at]!)) {
      pen.lift();
      continue;
    }
    const place = toX(x[at]!);
    pen.before(x[at]!);
    if (bucketed && min[at]! < max[at]!) {
      pen.draw(place, toY(min[at]!));
      pen.draw(place, toY(max[at]!));
    }
    if (!Number.isNaN(value)) pen.draw(place, toY(value));
  }
}

/** The smoothed curve, or the mean of a group. */
export function traceValues(
  line: Pick<DrawnLine, 'points' | 'gaps'>,
  values: Float64Array,
  placing: Placing,
  sink: PathSink,
): void {
  const { toX, toY, visible } = placing;
  const [from, to] = tracedPart(line.points, visible);
  const pen = penOf(sink, line.gaps);
  for (let at = from; at < to; at++) {
    const value = values[at]!;
    if (Number.isNaN(value)) {
      pen.lift();
      continue;
    }
    const x = line.points.x[at]!;
    pen.before(x);
    pen.draw(toX(x), toY(value));
  }
}

/** Edges of a plot. */
export interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export type Spot = readonly [x: number, y: number];

/** Of a mark, in pixels. */
export const POINT_RADIUS = 2.2;
export const GAP_RADIUS = 2;
const GAP_ABOVE_BOTTOM = 4;
/** What arithmetic may lose. */
const ROUNDING = 0.01;

/**
 * Middles of the marks of a curve that has few points. Those in the plot or on its edge are drawn whole, beyond the edge
 * if need be; those outside not at all, so that marks are not clipped.
 */
export function pointMarks(
  { points, smoothed }: DrawnLine,
  { toX, toY, visible }: Placing,
  plot: Plot,
): Spot[] {
  const [from, to] = tracedPart(points, visible);
  if (points.bucketed || smoothed !== null || to - from > MOST_MARKS) return [];
  const spots: Spot[] = [];
  for (let at = from; at < to; at++) spots.push([toX(points.x[at]!), toY(points.last[at]!)]);
  return spots.filter((spot) => isWithin(spot, plot));
}

/** Middles of the marks at the foot of the plot where a run was resumed. `ratio` as the plot's: its pixels in one of the page. */
export function gapMarks({ gaps }: DrawnLine, { toX }: Placing, plot: Plot, ratio = 1): Spot[] {
  const y = plot.bottom - GAP_ABOVE_BOTTOM * ratio;
  return gaps.map((gap): Spot => [toX(gap), y]).filter((spot) => isWithin(spot, plot));
}

/** False of what is no number. */
function isWithin([x, y]: Spot, { left, right, top, bottom }: Plot): boolean {
  const inside = (value: number, low: number, high: number) =>
    value >= low - ROUNDING && value <= high + ROUNDING;
  return inside(x, left, right) && inside(y, top, bottom);
}

/** There and back: the outline of a band, to be filled. */
export function traceBand(line: DrawnLine, placing: Placing, sink: PathSink): void {
  if (line.band === null) return;
  const { low, high } = line.band;
  const [from, to] = tracedPart(line.points, placing.visible);
  let started = false;
  const draw = (at: number, value: number) => {
    if (Number.isNaN(value)) return;
    const x = placing.toX(line.points.x[at]!);
    if (started) sink.lineTo(x, placing.toY(value));
    else sink.moveTo(x, placing.toY(value));
    started = true;
  };
  for (let at = from; at < to; at++) draw(at, high[at]!);
  for (let at = to - 1; at >= from; at--) draw(at, low[at]!);
}

/** A pen that is lifted at values that are no numbers, and where a run was resumed. */
function penOf(sink: PathSink, gaps: readonly number[]) {
  let down = false;
  let nextGap = 0;
  return {
    lift: () => {
      down = false;
    },
    before: (x: number) => {
      while (nextGap < gaps.length && gaps[nextGap]! < x) {
        down = false;
        nextGap++;
      }
    },
    draw: (x: number, y: number) => {
      if (down) sink.lineTo(x, y);
      else sink.moveTo(x, y);
      down = true;
    },
  };
}
