/** @file Runs in the page. Ranges of axes and their ticks, linear, logarithmic and in time; shared by canvas and SVG. */
import { formatBytes, formatNumber } from '../table/format.ts';
import { firstAtOrAfter, type LinePoints } from './lineBuffer.ts';

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** What decides the height of a chart: curves, and bands around means. */
export interface Extent {
  readonly points: LinePoints;
  readonly smoothed: Float64Array | null;
}

const EMPTY: Range = { from: 0, to: 1 };
const PADDING = 0.05;
/** More values than these tell nothing new about where 1 % lies. */
const MOST_SORTED = 200_000;

export interface ValueRangeWish {
  readonly visible: Range | null;
  readonly ignoreOutliers: boolean;
  readonly log: boolean;
}

/** The range of values in view, with some air; from the 1st to the 99th of a hundred when outliers are ignored. */
export function valueRange(lines: readonly Extent[], wish: ValueRangeWish): Range {
  const values = wish.ignoreOutliers ? inlierRange(lines, wish) : fullRange(lines, wish);
  if (values === null) return wish.log ? { from: 0.1, to: 1 } : EMPTY;
  return padded(values, wish.log);
}

type Visit = (value: number) => void;

function visitValues(lines: readonly Extent[], { visible, log }: ValueRangeWish, visit: Visit): void {
  for (const { points, smoothed } of lines) {
    const from = visible === null ? 0 : firstAtOrAfter(points, visible.from);
    for (let at = from; at < points.length; at++) {
      if (visible !== null && points.x[at]! > visible.to) break;
      for (const value of [points.min[at]!, points.max[at]!, smoothed?.[at] ?? Number.NaN])
        if (Number.isFinite(value) && !(log && value <= 0)) visit(value);
    }
  }
}

function fullRange(lines: readonly Extent[], wish: ValueRangeWish): Range | null {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  visitValues(lines, wish, (value) => {
    if (value < from) from = value;
    if (value > to) to = value;
  });
  return from > to ? null : { from, to };
}

function inlierRange(lines: readonly Extent[], wish: ValueRangeWish): Range | null {
  let seen = 0;
  visitValues(lines, wish, () => {
    seen++;
  });
  if (seen === 0) return null;
  const stride = Math.ceil(seen / MOST_SORTED);
  const values = new Float64Array(Math.ceil(seen / stride));
  let at = 0;
  visitValues(lines, wish, (value) => {
    if (at++ % stride === 0) values[(at - 1) / stride] = value;
  });
  values.sort();
  const place = (share: number) => values[Math.round((values.length - 1) * share)]!;
  return { from: place(0.01), to: place(0.99) };
}

function padded({ from, to }: Range, log: boolean): Range {
  if (log) {
    const factor = from === to ? 2 : (to / from) ** PADDING;
    return { from: from / factor, to: to * factor };
  }
  const air = from === to ? Math.abs(from) * 0.1 || 0.5 : (to - from) * PADDING;
  return { from: from - air, to: to + air };
}

/** Where the curves lie along x; null when there is no point. */
export function horizontalRange(lines: readonly LinePoints[], log: boolean): Range | null {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const points of lines) {
    let first = 0;
    while (log && first < points.length && points.x[first]! <= 0) first++;
    if (first >= points.length) continue;
    from = Math.min(from, points.x[first]!);
    to = Math.max(to, points.x[points.length - 1]!);
  }
  if (from > to) return null;
  if (from < to) return { from, to };
  return log ? { from: from / 2, to: to * 2 } : { from: from - 0.5, to: to + 0.5 };
}

/** Round numbers within a range: 1, 2 or 5 times a power of ten apart. */
export function linearTicks({ from, to }: Range, about: number): number[] {
  if (!(to > from)) return [from];
  const raw = (to - from) / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= raw * 0.999) ?? 10);
  const ticks: number[] = [];
  for (let index = Math.ceil(from / step - 1e-9); index * step <= to + step * 1e-9; index++)
    ticks.push(Number((index * step).toPrecision(12)));
  return ticks;
}

/** Powers of ten, with 2 and 5 between them while they are few. */
export function logTicks(range: Range, about: number): number[] {
  const { from, to } = range;
  const low = Math.floor(Math.log10(from));
  const high = Math.ceil(Math.log10(to));
  const stride = Math.max(1, Math.ceil((high - low) / Math.max(1, about)));
  const factors = high - low <= about / 2 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = low; power <= high; power += stride)
    for (const factor of factors) ticks.push(Number(`${factor}e${power}`));
  const inside = ticks.filter((tick) => tick >= from && tick <= to);
  return inside.length >= 2 ? inside : linearTicks(range, about);
}

const TIME_STEPS_MS = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800].map(
  (seconds) => seconds * 1000,
);

/** Whole minutes, hours or days of the wall clock. */
export function timeTicks({ from, to }: Range, about: number): number[] {
  const raw = (to - from) / Math.max(1, about);
  const step =
    TIME_STEPS_MS.find((candidate) => candidate >= raw) ?? Math.ceil(raw / 86_400_000) * 86_400_000;
  const offset = new Date(from).getTimezoneOffset() * 60_000;
  const ticks: number[] = [];
  for (let tick = Math.ceil((from - offset) / step) * step + offset; tick <= to; tick += step)
    ticks.push(tick);
  return ticks;
}

/** `whole`: numbers between which there is nothing, such as steps. */
export type AxisForm = 'linear' | 'whole' | 'log' | 'time' | 'seconds' | 'percent' | 'bytes';

export function ticksOf(form: AxisForm, range: Range, about: number): number[] {
  if (form === 'log') return logTicks(range, about);
  if (form === 'time') return timeTicks(range, about);
  const ticks = linearTicks(range, about);
  return form === 'whole' ? ticks.filter(Number.isInteger) : ticks;
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

export function tickText(form: AxisForm, value: number, range: Range): string {
  if (form === 'time')
    return range.to - range.from > 2 * 86_400_000 ? day.format(value) : clock.format(value);
  if (form === 'seconds') return secondsText(value, range);
  if (form === 'percent') return formatNumber(Number((value * 100).toPrecision(10)));
  return form === 'bytes' ? formatBytes(value) : compactNumber(value);
}

function secondsText(seconds: number, { to }: Range): string {
  if (to < 180) return `${formatNumber(seconds)} s`;
  if (to < 3 * 3600) return `${formatNumber(seconds / 60)} min`;
  return `${formatNumber(Number((seconds / 3600).toPrecision(4)))} h`;
}

/** 20000 is "20k" beside an axis. */
export function compactNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${formatNumber(value / 1e9)}G`;
  if (size >= 1e6) return `${formatNumber(value / 1e6)}M`;
  return size >= 1e4 ? `${formatNumber(value / 1e3)}k` : formatNumber(value);
}

/** From a value to a place between two ends, such as pixels. */
export function placer(
  range: Range,
  log: boolean,
  [start, end]: readonly [number, number],
): (value: number) => number {
  const inner = log ? Math.log10 : (value: number) => value;
  const low = inner(range.from);
  const span = inner(range.to) - low || 1;
  return (value) => start + ((inner(value) - low) / span) * (end - start);
}
