/** @file Runs in the exporting child. A run's metrics as files: nothing to compare, and the same care in writing. */
import { PendingFolder } from '../export/destination.ts';
import { ExportFolder } from '../export/exportFolder.ts';
import { EXPORT_MANIFEST, exportManifestText } from '../export/exportManifest.ts';
import { writeMetrics } from '../export/metrics/writeMetrics.ts';
import type { ExportLinks } from './exportModel.ts';
import type { FinishedExport, MetricsExportJob } from './job.ts';

/** @throws StudioError CANCELLED, ALREADY_EXISTS, DISK_FULL, WRITE_FAILED. */
export async function exportMetrics(
  { runId, name, curves, fileFormat, destination }: MetricsExportJob,
  { signal, beat, onProgress }: Pick<ExportLinks, 'signal' | 'beat' | 'onProgress'>,
): Promise<FinishedExport> {
  const pending = new PendingFolder(destination, 'metrics');
  try {
    onProgress({ fraction: 0, note: 'metrics: writing' });
    const folder = new ExportFolder(pending.path, { signal, onBytes: beat });
    await writeMetrics({ runId, name, curves }, fileFormat, folder);
    await folder.writeText(EXPORT_MANIFEST, exportManifestText('metrics', folder.files));
    const sizeBytes = folder.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    const place = pending.publish('good');
    return { to: 'metrics', precision: null, folder: place, state: 'written', sizeBytes, parity: null };
  } finally {
    pending.discard();
  }
}
