/** @file Runs under Node. Every point of some curves as CSV, never thinned out, safe to open in a spreadsheet. */
import type { MetricName } from '../../shared/runs.ts';
import { delimitedCell } from '../../shared/spreadsheetCell.ts';
import type { StudioReader } from '../db/connection.ts';
import { metricSeries } from '../db/metrics.ts';
import { findRun } from '../db/runs.ts';

/** @throws StudioError NOT_FOUND, DATABASE_CORRUPT. */
export function pointsCsv(
  store: StudioReader,
  metrics: readonly MetricName[],
  runs: readonly string[],
): { text: string; points: number } {
  const lines = ['run,name,metric,step,epoch,time,value'];
  for (const id of runs) {
    const run = findRun(store, id);
    const name = delimitedCell(run.name ?? '', ',');
    for (const metric of metrics) {
      const { steps, epochs, values, atMs } = metricSeries(store, run.id, metric);
      for (const [at, step] of steps.entries()) {
        const time = new Date(atMs[at]!).toISOString();
        lines.push(`${run.id},${name},${metric},${step},${epochs[at]},${time},${values[at]}`);
      }
    }
  }
  return { text: `${lines.join('\r\n')}\r\n`, points: lines.length - 1 };
}
