/** @file Runs under Node. Imports and downloads of data sets as jobs, in a child process. */
import { basename } from 'node:path';
import type { Dataset, ImportReport } from '../../shared/datasets.ts';
import { formatBytes } from '../files/disk.ts';
import { hubReferenceText } from '../hub/hubReference.ts';
import { superviseData } from '../training/dataSupervisor.ts';
import type { DataOrder, DataProgress, HubDatasetWish } from '../training/jobs.ts';
import type { HostContext } from './hosting.ts';
import type { JobLinks, JobProgress } from './jobs.ts';
import { SAMPLE_NAME, samplePath } from './sampleDataset.ts';

type DataSetting = Pick<HostContext, 'databases' | 'datasetChanges' | 'datasets' | 'entries' | 'jobs'>;
type ImportSource = Extract<DataOrder, { kind: 'import' }>['source'];

interface DataLinks {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: JobProgress) => void;
  readonly onReport?: (report: ImportReport) => void;
}

/** Imports in a child, and tells pages of it. @throws StudioError what `importDataset` throws. */
export async function importData(
  context: DataSetting,
  source: ImportSource,
  links: DataLinks,
): Promise<Dataset> {
  const cachePath = openedCache(context);
  return await carryOut(context, { kind: 'import', cachePath, source }, links);
}

export function startImport(context: DataSetting, source: ImportSource): string {
  return startDataJob(context, `Import ${basename(source.path)} as ${source.name}`, source.name, (links) =>
    importData(context, source, links),
  );
}

/** Done at once when it is there already. */
export function startSampleImport(context: DataSetting): string {
  return startDataJob(context, 'Import the built-in sample', SAMPLE_NAME, async (links) => {
    const present = context.datasets.find(SAMPLE_NAME);
    return present ?? (await importData(context, { path: samplePath(), name: SAMPLE_NAME }, links));
  });
}

export function startDownload(context: DataSetting): string {
  return startDataJob(context, 'Download SNLI', 'snli', (links) => {
    const order: DataOrder = {
      kind: 'download',
      cachePath: openedCache(context),
      dataDirectory: context.databases.places.root,
      hub: null,
    };
    return carryOut(context, order, links);
  });
}

/** Of a hub, which the environment names. */
export function startHubDownload(context: DataSetting, hub: HubDatasetWish): string {
  return startDataJob(
    context,
    `Download ${hubReferenceText(hub.reference)} as ${hub.name}`,
    hub.name,
    (links) => {
      const dataDirectory = context.databases.places.root;
      const order: DataOrder = { kind: 'download', cachePath: openedCache(context), dataDirectory, hub };
      return carryOut(context, order, links);
    },
  );
}

function startDataJob(
  { jobs }: DataSetting,
  title: string,
  name: string,
  work: (links: DataLinks) => Promise<Dataset>,
): string {
  return jobs.start({
    title,
    outcome: { kind: 'importDataset', dataset: null, report: null },
    work: async ({ signal, onProgress, onOutcome }: JobLinks) => {
      const onReport = (report: ImportReport) => onOutcome({ kind: 'importDataset', dataset: null, report });
      const dataset = await work({ signal, onProgress, onReport });
      return { kind: 'importDataset', dataset: dataset.name || name, report: dataset.report };
    },
  });
}

async function carryOut(
  { datasetChanges, entries }: DataSetting,
  order: Exclude<DataOrder, { kind: 'cancel' }>,
  { signal, onProgress, onReport }: DataLinks,
): Promise<Dataset> {
  const dataset = await superviseData({
    entry: entries.path('data'),
    order,
    signal,
    onProgress: (progress) => onProgress(progressOf(progress)),
    onReport: (report) => onReport?.(report),
  });
  datasetChanges.tell();
  return dataset;
}

/** The file exists, in today's version, before a child opens it. */
function openedCache({ databases }: DataSetting): string {
  databases.cache();
  return databases.places.cacheDatabase;
}

function progressOf(progress: DataProgress): JobProgress {
  if (progress.step === 'plan') {
    const { origin, files, totalBytes } = progress.plan;
    return { fraction: 0, note: `${origin}: ${files} files, ${formatBytes(totalBytes)}` };
  }
  if (progress.step === 'download') {
    const { receivedBytes, totalBytes } = progress;
    const all = totalBytes === null ? '' : ` of ${formatBytes(totalBytes)}`;
    const fraction = totalBytes === null ? null : receivedBytes / totalBytes;
    return { fraction, note: `downloading, ${formatBytes(receivedBytes)}${all}` };
  }
  const { phase, rowsRead, fraction, etaSeconds } = progress;
  return { fraction, note: `${phase}, ${rowsRead.toLocaleString('en')} rows`, etaSeconds };
}
