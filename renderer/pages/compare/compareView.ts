/** @file Runs in the page. What the Compare page looks like: a schema, so that views, last states and addresses are parsed once. */
import { z } from 'zod';
import { MOST_COMPARED } from '../../../shared/contract/compare.ts';
import type { MetricPresence } from '../../../shared/contract/series.ts';
import { SPLITS } from '../../../shared/datasets.ts';
import { METRICS, type MetricName } from '../../../shared/runs.ts';
import { chartSettingsSchema } from '../../charts/chartSettings.ts';
import type { AxisWish } from '../../charts/parallelAxes.ts';

const keys = z.array(z.string().max(200)).max(50).catch([]);
const axis: z.ZodType<AxisWish> = z.object({
  key: z.string().max(200),
  log: z.boolean(),
  flipped: z.boolean(),
  brush: z.tuple([z.number(), z.number()]).nullable(),
});

/** Whatever is missing or wrong in a stored view gets its default: a view of another version opens all the same. */
export const compareViewSchema = z.object({
  runs: z.array(z.string().min(1).max(40)).max(MOST_COMPARED).catch([]),
  baseline: z.string().max(40).nullable().catch(null),
  /** Null: chosen by the page from what the runs have. */
  metrics: z.array(z.enum(METRICS)).max(METRICS.length).nullable().catch(null),
  chart: chartSettingsSchema.catch(() => chartSettingsSchema.parse({})),
  colourBy: keys,
  strokeBy: keys,
  divideBy: keys,
  groupBy: keys,
  differencesOnly: z.boolean().catch(true),
  /** Null: the settings that differ, and the metric. */
  axes: z.array(axis).max(40).nullable().catch(null),
  keepConstant: z.boolean().catch(false),
  axisMetric: z.string().max(200).nullable().catch(null),
  split: z.enum(SPLITS).catch('test'),
});
export type CompareView = z.output<typeof compareViewSchema>;

export function readCompareView(state: unknown): CompareView {
  const parsed = compareViewSchema.safeParse(state);
  return parsed.success ? parsed.data : compareViewSchema.parse({});
}

/** What is worth four charts, when nobody has chosen. */
/** Those of pretraining first, which other runs have not. */
const FIRST_METRICS: readonly MetricName[] = [
  'step/maskedLoss',
  'dev/maskedLoss',
  'step/nextLoss',
  'test/accuracy',
  'dev/accuracy',
  'step/loss',
  'running/accuracy',
  'running/loss',
  'dev/loss',
  'test/loss',
];
const MOST_AT_FIRST = 4;

export function firstMetrics(present: readonly MetricPresence[]): MetricName[] {
  const points = new Map(present.map(({ metric, mostPoints }) => [metric, mostPoints]));
  // A metric that was measured once is a number of the table, not a curve.
  const curves = FIRST_METRICS.filter((metric) => (points.get(metric) ?? 0) > 1);
  const liked = curves.length > 0 ? curves : FIRST_METRICS.filter((metric) => points.has(metric));
  return (liked.length > 0 ? liked : present.map(({ metric }) => metric)).slice(0, MOST_AT_FIRST);
}
