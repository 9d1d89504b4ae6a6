/** @file Node. A run's metrics into a folder, in one of four formats. */
import type { MetricFileFormat } from '../../../shared/exports.ts';
import type { ExportFolder } from '../exportFolder.ts';
import type { NamedCurves } from './curves.ts';
import { metricsParquet } from './parquetFile.ts';
import { eventFileName, tensorboardEvents } from './tensorboardEvents.ts';
import { metricsCsv, metricsJson } from './textFiles.ts';

/** @throws StudioError as the folder does. */
export async function writeMetrics(
  named: NamedCurves,
  format: MetricFileFormat,
  folder: ExportFolder,
): Promise<void> {
  const firstAtMs = named.curves.reduce(
    (first, { atMs }) => Math.min(first, atMs[0] ?? first),
    Number.MAX_SAFE_INTEGER,
  );
  if (format === 'csv') await folder.write('metrics.csv', metricsCsv(named));
  else if (format === 'json') await folder.write('metrics.json', metricsJson(named));
  else if (format === 'parquet') await folder.write('metrics.parquet', [metricsParquet(named)]);
  else await folder.write(eventFileName(firstAtMs), tensorboardEvents(named.curves, firstAtMs));
}
