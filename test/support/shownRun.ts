/** @file Tests. What a run's page shows, to the last point and line, and what the database holds of the same run. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { listLogs } from '../../main/db/logs.ts';
import { metricSeries } from '../../main/db/metrics.ts';
import { openStudioDatabase } from '../../main/db/open.ts';
import { metricName } from '../../renderer/table/columnNames.ts';
import type { MetricName } from '../../shared/runs.ts';

/** Curves that have a chart of their own, if the run has any point of them. */
const METRICS_SHOWN: readonly MetricName[] = [
  ...(['step/loss', 'step/accuracy', 'step/gradientNorm', 'dev/accuracy', 'system/memoryBytes'] as const),
];

/** Points are "step value", lines are texts; each as often as it is there. */
export interface RunContents {
  readonly curves: Readonly<Record<string, readonly string[]>>;
  readonly book: readonly string[];
  readonly log: readonly string[];
}

/** What the page holds and draws. */
export async function shownContents(page: Page): Promise<RunContents> {
  const curves: Record<string, string[]> = {};
  for (const metric of METRICS_SHOWN) {
    const chart = page.getByRole('region', { name: metricName(metric), exact: true });
    const rows = (await chart.count()) === 0 ? [] : await drawn(chart);
    curves[metric] = rows.map(([, , step, value]) => `${step} ${value}`);
  }
  const bookRows = await drawn(page.getByRole('region', { name: 'Loss and accuracy', exact: true }));
  const book = bookRows
    .filter(([name]) => name === 'train loss')
    .map(([, , epoch, value]) => `${epoch} ${value}`);
  const log = await page.getByRole('log', { name: 'Log' }).locator('p:has(time)').allTextContents();
  return { curves, book, log: log.map((line) => line.replace(/^\S+ /, '')) };
}

/** The same, as it is stored. */
export function storedContents(dataDirectory: string, run: string): RunContents {
  const database = openStudioDatabase(join(dataDirectory, 'studio.db'), { readOnly: true });
  try {
    const pointsOf = (metric: MetricName) => {
      const { steps, epochs, values } = metricSeries(database, run, metric);
      return Array.from(values, (value, at) => ({ step: steps[at]!, epoch: epochs[at]!, value }));
    };
    const curves = METRICS_SHOWN.map((metric) => [
      metric,
      pointsOf(metric).map(({ step, value }) => `${step} ${value}`),
    ]);
    return {
      curves: Object.fromEntries(curves) as Record<string, string[]>,
      book: pointsOf('running/loss').map(({ epoch, value }) => `${epoch} ${value}`),
      log: listLogs(database, run).map(({ text }) => text),
    };
  } finally {
    database.close();
  }
}

/** Rows of "What is drawn as CSV": run, id, place, value, …, points. */
async function drawn(chart: Locator): Promise<string[][]> {
  const page = chart.page();
  await chart.getByRole('button', { name: /^More about/ }).click();
  // Together: a click that fails must not leave behind somebody who waits for what then never comes.
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: 'What is drawn as CSV' }).click(),
  ]);
  const text = await readFile(await download.path(), 'utf8');
  const rows = text
    .trim()
    .split(/\r?\n/)
    .slice(1)
    .map((row) => row.split(','));
  const merged = rows.find((row) => row[7] !== '1');
  if (merged !== undefined) throw new Error(`An entry stands for several points: ${merged.join()}`);
  return rows;
}
