/** @file Runs anywhere. Contract: curves, whole or in buckets that keep every spike, and means over groups of runs. */
import { z } from 'zod';
import { METRICS, type MetricName, type MetricPoint } from '../runs.ts';
import { runId } from './inputs.ts';
import { answers } from './route.ts';

/** `relative` is seconds since the run's first point, `time` milliseconds since 1970. */
export const AXES = ['step', 'epoch', 'relative', 'time'] as const;
export type Axis = (typeof AXES)[number];

/** So many points or fewer in view are sent as they were measured. */
export const RAW_POINTS = 2000;

/** One curve. Not-a-number is null. Arrays are of equal length; raw curves have min = max = mean = last and are sent once. */
export type SeriesLine =
  | {
      readonly run: string;
      readonly kind: 'raw';
      readonly x: readonly number[];
      readonly y: readonly (number | null)[];
      /** Points of the whole curve. */
      readonly total: number;
      /** `cursorOf` the last point, to go on from with live points. */
      readonly cursor: number;
      readonly xExtent: readonly [number, number] | null;
    }
  | {
      readonly run: string;
      readonly kind: 'buckets';
      /** Where each bucket's last point lies. */
      readonly x: readonly number[];
      readonly min: readonly (number | null)[];
      readonly max: readonly (number | null)[];
      readonly mean: readonly (number | null)[];
      readonly last: readonly (number | null)[];
      readonly count: readonly number[];
      readonly total: number;
      readonly cursor: number;
      readonly xExtent: readonly [number, number] | null;
    };

/** What orders the points of a curve: steps; for system metrics, sampled more than once in a long step, the clock. */
export function cursorOf({ metric, step, atMs }: Pick<MetricPoint, 'metric' | 'step' | 'atMs'>): number {
  return metric.startsWith('system/') ? atMs : step;
}

/** Mean and spread over the runs of a group, computed from every point of every run at the steps that they share. */
export interface GroupLine {
  readonly key: string;
  readonly x: readonly number[];
  readonly mean: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  /** Runs with a value there. */
  readonly runs: readonly number[];
}

export interface MetricPresence {
  readonly metric: MetricName;
  /** How many of the runs asked for have it. */
  readonly runs: number;
  readonly mostPoints: number;
}

const metric = z.enum(METRICS);
const runs = z.array(runId).min(1).max(1000);
const range = z.strictObject({ from: z.number(), to: z.number() }).nullable().default(null);
const buckets = z.number().int().min(10).max(2000).default(1000);
export const SPREADS = ['std', 'minmax', 'stderr', 'none'] as const;
export type Spread = (typeof SPREADS)[number];

export const seriesRoutes = {
  'series/metrics': answers<readonly MetricPresence[]>()(z.strictObject({ runs })),
  /** Lines in the order of `runs`; runs without a point are left out. The range is in units of the axis. */
  'series/lines': answers<readonly SeriesLine[]>()(
    z.strictObject({ metric, runs, axis: z.enum(AXES), range, buckets }),
  ),
  'series/groups': answers<readonly GroupLine[]>()(
    z.strictObject({
      metric,
      groups: z
        .array(z.strictObject({ key: z.string().max(2000), runs }))
        .min(1)
        .max(200),
      axis: z.enum(['step', 'epoch']),
      spread: z.enum(SPREADS),
      buckets,
    }),
  ),
  /** Every point as CSV (run, name, metric, step, epoch, time, value), never thinned out. */
  'series/csv': answers<{ readonly text: string; readonly points: number }>()(
    z.strictObject({ metrics: z.array(metric).min(1).max(METRICS.length), runs }),
  ),
};
