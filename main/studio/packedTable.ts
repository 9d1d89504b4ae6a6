/** @file Runs under Node. Columns of numbers of the table of runs as text that is quickly written and read. */
import type { PackedNumbers, PackedRunsTable, RunsTable } from '../../shared/contract/runs.ts';

/** What the page unpacks again (renderer/state/unpackedTable.ts), every number exact. */
export function packTable(table: RunsTable): PackedRunsTable {
  const { createdAtMs, finishedAtMs, durationSeconds, settings, metrics, ...plain } = table;
  return {
    ...plain,
    createdAtMs: packDoubles(createdAtMs),
    finishedAtMs: packDoubles(finishedAtMs),
    durationSeconds: packDoubles(durationSeconds),
    settings: settings.map(({ key, values, codes }) => ({
      ...{ key, values },
      codes: values.length === 1 && !codes.includes(-1) ? null : base64Of(Int32Array.from(codes)),
    })),
    metrics: metrics.map(({ key, values }) => ({ key, values: packDoubles(values) })),
  };
}

function packDoubles(values: readonly (number | null)[]): PackedNumbers {
  return base64Of(Float64Array.from(values, (value) => value ?? Number.NaN));
}

/** Every platform that the studio runs on has the lowest byte first. */
function base64Of({ buffer, byteOffset, byteLength }: Int32Array | Float64Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}
