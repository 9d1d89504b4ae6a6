/** @file Runs under Node. Downloads of models as jobs: a hub's, and the book's. */
import { formatBytes } from '../files/disk.ts';
import type { ModelDownloadProgress } from '../models/download/downloadProgress.ts';
import type { HostContext } from './hosting.ts';
import type { JobProgress } from './jobs.ts';

export interface ModelWish {
  /** hf:OWNER/NAME[@REVISION], "bert.small" or "bert.base". */
  readonly which: string;
  readonly name: string;
  readonly labels: readonly string[] | null;
}

/** Returns the job's id. */
export function startModelDownload(
  { jobs, models, modelChanges }: Pick<HostContext, 'jobs' | 'modelChanges' | 'models'>,
  { which, name, labels }: ModelWish,
): string {
  return jobs.start({
    title: `Download ${which} as ${name}`,
    outcome: { kind: 'importModel', model: null },
    work: async ({ signal, onProgress }) => {
      const model = await models.download(which, {
        ...{ name, labels, sentences: 2, licence: null, signal },
        onProgress: (progress) => onProgress(progressOf(progress)),
      });
      modelChanges.tell();
      return { kind: 'importModel', model: model.name };
    },
  });
}

function progressOf(progress: ModelDownloadProgress): JobProgress {
  if (progress.step === 'plan') return { fraction: 0, note: progress.plan.origin };
  if (progress.step === 'import') return { fraction: progress.fraction, note: 'importing' };
  const { receivedBytes, totalBytes } = progress;
  const all = totalBytes === null ? '' : ` of ${formatBytes(totalBytes)}`;
  const fraction = totalBytes === null ? null : receivedBytes / totalBytes;
  return { fraction, note: `downloading, ${formatBytes(receivedBytes)}${all}` };
}
