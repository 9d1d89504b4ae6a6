/** @file Runs in the page. How a person wants curves drawn; kept in views, so that a chart looks as it was left. */
import { z } from 'zod';
import { AXES, SPREADS } from '../../shared/contract/series.ts';
import { TOOLTIP_ORDERS } from './cursorValues.ts';
import { SHOWN_CHOICES } from './shownRuns.ts';
import { STRONGEST_SMOOTHING } from './smoothing.ts';

export const chartSettingsSchema = z.object({
  axis: z.enum(AXES).catch('step'),
  smoothing: z.number().min(0).max(STRONGEST_SMOOTHING).catch(0.6),
  showOriginal: z.boolean().catch(true),
  ignoreOutliers: z.boolean().catch(false),
  xLog: z.boolean().catch(false),
  yLog: z.boolean().catch(false),
  tooltipOrder: z.enum(TOOLTIP_ORDERS).catch('nearest'),
  shown: z.union(SHOWN_CHOICES.map((choice) => z.literal(choice))).catch(10),
  spread: z.enum(SPREADS).catch('std'),
});
export type ChartSettings = z.output<typeof chartSettingsSchema>;

export const DEFAULT_CHART_SETTINGS: ChartSettings = chartSettingsSchema.parse({});

export const AXIS_NAMES: Readonly<Record<ChartSettings['axis'], string>> = {
  step: 'step',
  epoch: 'epoch',
  relative: 'time since start',
  time: 'time of day',
};
