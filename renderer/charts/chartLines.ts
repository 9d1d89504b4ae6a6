/** @file Runs in the page. From held curves, runs and settings to the lines that a chart draws: pure. */
import type { GroupLine } from '../../shared/contract/series.ts';
import { metricKind } from '../table/columnNames.ts';
import type { ChartSettings } from './chartSettings.ts';
import { type DrawnLine, MOST_MARKS } from './drawnLine.ts';
import type { LinePoints } from './lineBuffer.ts';
import type { AxisForm, Range } from './scales.ts';
import { smooth, smoothingStateAt } from './smoothing.ts';

/** A run as a chart shows it. */
export interface ChartRun {
  readonly id: string;
  readonly name: string;
  readonly colour: number;
  readonly dash: number;
  readonly baseline: boolean;
  /** What tells it from the other runs, in words: "lr 1e-4 · cosine"; "" when nothing does. */
  readonly difference: string;
}

export interface ChartGroup {
  readonly key: string;
  readonly name: string;
  readonly colour: number;
  readonly dash: number;
  readonly runs: readonly string[];
}

export interface HeldCurve {
  readonly whole: LinePoints & { readonly total: number };
  readonly inView: LinePoints;
  readonly gaps: readonly number[];
}

/** Curves so short are drawn as they were measured: each point has a mark, and there is no noise to smooth. */
export function isSmoothed({ length, bucketed }: LinePoints, { smoothing }: ChartSettings): boolean {
  return smoothing > 0 && (bucketed || length > MOST_MARKS);
}

export function runLine(
  run: ChartRun,
  { whole, inView, gaps }: HeldCurve,
  settings: ChartSettings,
): DrawnLine {
  const smoothed = isSmoothed(whole, settings) ? smoothedCurve(whole, inView, settings.smoothing) : null;
  return {
    key: run.id,
    name: run.name,
    colour: run.colour,
    dash: run.dash,
    baseline: run.baseline,
    points: inView,
    smoothed,
    band: null,
    gaps: settings.axis === 'relative' || settings.axis === 'time' ? breaksOf(inView) : gaps,
  };
}

function smoothedCurve(whole: LinePoints, inView: LinePoints, strength: number): Float64Array {
  const first = inView.x[0];
  if (whole === inView || first === undefined) return smooth(inView, strength);
  return smooth(inView, strength, smoothingStateAt(whole, strength, first));
}

/** On an axis of time, a run that stood still for long was interrupted: more than a minute and than twenty usual steps. */
export function breaksOf({ x, length }: LinePoints): number[] {
  if (length < 3) return [];
  const steps = new Float64Array(length - 1);
  for (let at = 1; at < length; at++) steps[at - 1] = x[at]! - x[at - 1]!;
  const usual = steps.slice().sort()[steps.length >> 1]!;
  // Milliseconds since 1970 are large numbers; seconds since a start are not.
  const minute = x[0]! > 1e11 ? 60_000 : 60;
  const limit = Math.max(minute, usual * 20);
  const breaks: number[] = [];
  for (let at = 1; at < length; at++) if (steps[at - 1]! > limit) breaks.push(x[at - 1]!);
  return breaks;
}

/** The mean of a group and its spread; nothing is smoothed, as a mean over runs is calm. */
export function groupDrawnLine(group: ChartGroup, line: GroupLine): DrawnLine {
  const mean = Float64Array.from(line.mean);
  return {
    key: group.key,
    name: `${group.name} (${group.runs.length} ${group.runs.length === 1 ? 'run' : 'runs'})`,
    colour: group.colour,
    dash: group.dash,
    baseline: false,
    points: {
      length: line.x.length,
      x: Float64Array.from(line.x),
      min: mean,
      max: mean,
      mean,
      last: mean,
      count: new Float64Array(line.x.length).fill(1),
      bucketed: false,
    },
    smoothed: null,
    band: { low: Float64Array.from(line.low), high: Float64Array.from(line.high) },
    gaps: [],
  };
}

/** What decides the height of a chart: curves with their bands. */
export function extentsOf(
  lines: readonly DrawnLine[],
): { points: LinePoints; smoothed: Float64Array | null }[] {
  return lines.flatMap(({ points, smoothed, band }) => {
    const own = { points, smoothed };
    return band === null
      ? [own]
      : [own, { points: { ...points, min: band.low, max: band.high }, smoothed: null }];
  });
}

export function horizontalForm({ axis, xLog }: ChartSettings): AxisForm {
  if (axis === 'time') return 'time';
  if (axis === 'relative') return xLog ? 'log' : 'seconds';
  if (xLog) return 'log';
  return axis === 'step' ? 'whole' : 'linear';
}

export function verticalForm(metric: string, { yLog }: ChartSettings): AxisForm {
  if (yLog) return 'log';
  const kind = metricKind(metric);
  if (kind === 'percent' || kind === 'bytes') return kind;
  return kind === 'duration' ? 'seconds' : 'linear';
}

/** One sentence for those who do not see the curves. */
export function summarySentence(
  title: string,
  lines: readonly DrawnLine[],
  axis: string,
  text: (value: number) => string,
): string {
  const ends = lines.flatMap(({ name, points, smoothed }) => {
    const at = points.length - 1;
    const value = smoothed?.[at] ?? points.last[at] ?? Number.NaN;
    return Number.isFinite(value) ? [{ name, value }] : [];
  });
  if (ends.length === 0) return `${title}: no values yet.`;
  ends.sort((one, other) => other.value - one.value);
  const [highest, lowest] = [ends[0]!, ends.at(-1)!];
  if (ends.length === 1) return `${title} by ${axis}: ${highest.name} ends at ${text(highest.value)}.`;
  return `${title} by ${axis}, ${ends.length} curves: the highest end is ${text(highest.value)} (${highest.name}), the lowest ${text(lowest.value)} (${lowest.name}).`;
}

/** A drag of a few pixels is a click; a range must hold something. */
export function zoomRange(from: number, to: number, whole: Range | null): Range | null {
  const low = Math.min(from, to);
  const high = Math.max(from, to);
  if (!(high > low)) return null;
  return whole !== null && low <= whole.from && high >= whole.to ? null : { from: low, to: high };
}
