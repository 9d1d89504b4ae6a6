/** @file Runs anywhere. Metrics as CSV and as JSON: every point, in chunks. */
import { delimitedCell } from '../../../shared/spreadsheetCell.ts';
import type { NamedCurves } from './curves.ts';

/** Run, name, metric, step, epoch, time (ISO, UTC) and value; not a number is NaN. Safe to open in a spreadsheet. */
export function* metricsCsv({ runId, name, curves }: NamedCurves): Generator<Uint8Array> {
  yield Buffer.from('run,name,metric,step,epoch,time,value\r\n');
  const cell = delimitedCell(name, ',');
  for (const { metric, steps, epochs, values, atMs } of curves) {
    const lines = Array.from(steps, (step, at) => {
      const time = new Date(atMs[at]!).toISOString();
      return `${runId},${cell},${metric},${step},${epochs[at]},${time},${values[at]}\r\n`;
    });
    yield Buffer.from(lines.join(''));
  }
}

/** Columns by metric; not a number is null, as JSON has none. */
export function* metricsJson({ runId, name, curves }: NamedCurves): Generator<Uint8Array> {
  const begin = { format: 'entail-metrics', version: 1, run: runId, name };
  yield Buffer.from(`${JSON.stringify(begin).slice(0, -1)},"metrics":{`);
  for (const [at, { metric, steps, epochs, values, atMs }] of curves.entries()) {
    const columns = {
      step: [...steps],
      epoch: [...epochs],
      timeMs: [...atMs],
      value: Array.from(values, (value) => (Number.isFinite(value) ? value : null)),
    };
    yield Buffer.from(`${at === 0 ? '' : ','}\n${JSON.stringify(metric)}:${JSON.stringify(columns)}`);
  }
  yield Buffer.from('}}\n');
}
