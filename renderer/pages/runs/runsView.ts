/** @file Runs in the page. What the table of runs looks like: a schema, so that views and the last state are parsed once. */
import { z } from 'zod';
import { METRICS } from '../../../shared/runs.ts';
import { chartSettingsSchema } from '../../charts/chartSettings.ts';

const keys = z.array(z.string().max(200)).max(60);

/** Whatever is missing or wrong gets its default: a view of another version opens all the same. */
export const runsViewSchema = z.object({
  /** As it was typed. */
  filter: z.string().max(2000).catch(''),
  sort: z
    .array(z.object({ key: z.string().max(200), descending: z.boolean() }))
    .max(5)
    .catch([]),
  groupBy: keys.catch([]),
  foldReplicates: z.boolean().catch(true),
  showArchived: z.boolean().catch(false),
  hideFailed: z.boolean().catch(false),
  /** Null: the settings that differ. */
  settings: keys.nullable().catch(null),
  /** Null: the usual ones that were measured. */
  metrics: keys.nullable().catch(null),
  chart: chartSettingsSchema.catch(() => chartSettingsSchema.parse({})),
  charts: z.array(z.enum(METRICS)).max(METRICS.length).nullable().catch(null),
});
export type RunsView = z.output<typeof runsViewSchema>;

export const PLAIN_VIEW: RunsView = runsViewSchema.parse({});

/** Shown when nobody chose: the first that were measured. */
export const USUAL_METRICS = [
  'test/accuracy',
  'best/dev/accuracy',
  'epoch/trainLoss',
  'epoch/pairsPerSecond',
];
export const USUAL_CHARTS = ['test/accuracy', 'dev/accuracy', 'step/loss'] as const;

export function readRunsView(state: unknown): RunsView {
  const parsed = runsViewSchema.safeParse(state ?? {});
  return parsed.success ? parsed.data : PLAIN_VIEW;
}
