/** @file Node. Metrics as a Parquet table: one row a point, as pandas, DuckDB and Arrow read it. */
import { parquetWriteBuffer } from 'hyparquet-writer';
import { type NamedCurves, pointsOf } from './curves.ts';

/** Columns run, name, metric, step, epoch, time (milliseconds, UTC) and value, whose NaN stays NaN. */
export function metricsParquet({ runId, name, curves }: NamedCurves): Uint8Array {
  const rows = pointsOf(curves);
  const column = <Value>(of: (curve: (typeof curves)[number], at: number) => Value): Value[] =>
    curves.flatMap((curve) => Array.from(curve.steps, (_, at) => of(curve, at)));
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: 'run', data: new Array<string>(rows).fill(runId), type: 'STRING' },
      { name: 'name', data: new Array<string>(rows).fill(name), type: 'STRING' },
      { name: 'metric', data: column(({ metric }) => metric), type: 'STRING' },
      { name: 'step', data: column(({ steps }, at) => steps[at]!), type: 'INT32' },
      { name: 'epoch', data: column(({ epochs }, at) => epochs[at]!), type: 'DOUBLE' },
      { name: 'time', data: column(({ atMs }, at) => new Date(atMs[at]!)), type: 'TIMESTAMP' },
      { name: 'value', data: column(({ values }, at) => values[at]!), type: 'DOUBLE' },
    ],
    createdBy: 'Entail',
  });
  return new Uint8Array(buffer);
}
