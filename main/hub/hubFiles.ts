/** @file Node. Files of a repository into a folder: each whole and with the hub's own sum, or not there. */
import { rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatBytes, requireFreeBytes } from '../files/disk.ts';
import { downloadFile } from '../files/download.ts';
import type { DownloadLimits } from '../files/downloadRequest.ts';
import { hubRefusal } from './hubErrors.ts';
import { authorisation } from './hubFetch.ts';
import type { HubFile, HubRepository } from './hubRepository.ts';
import type { HubSettings } from './hubSettings.ts';

const DOWNLOADS = 'downloads';

export interface HubDownloadProgress {
  /** The file that is coming in. */
  readonly path: string;
  /** Of all files together; what an earlier attempt had fetched counts as received. */
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

export interface HubDownload {
  readonly settings: HubSettings;
  readonly repository: HubRepository;
  /** `localPath` is the file's path in `folder`, where that is not its own. */
  readonly files: readonly (HubFile & { readonly localPath?: string })[];
  readonly folder: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: HubDownloadProgress) => void;
  readonly limits?: Partial<DownloadLimits>;
}

/**
 * Fetches the files one after another. What is there and right is not fetched again, what was begun goes on.
 * @throws StudioError as `downloadFile`, and those of `hubRefusal`; DISK_FULL before anything is fetched
 */
export async function downloadHubFiles(download: HubDownload): Promise<void> {
  const { settings, repository, files, folder, signal, onProgress, limits } = download;
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const { endpoint, token } = settings;
  let doneBytes = 0;
  for (const { path, localPath = path, sizeBytes, sum } of files) {
    const url = fileUrl(endpoint, repository, path);
    const what = `${path} of hf:${repository.name}`;
    const asked = { what, host: endpoint.host, hasToken: token !== null };
    const doneBefore = doneBytes;
    await downloadFile({
      url: url.href,
      to: join(folder, localPath),
      expectedBytes: sizeBytes,
      ...sum,
      headers: authorisation(settings, url),
      explainRefusal: (status, code) => hubRefusal({ ...asked, status, code }),
      ...(signal === undefined ? {} : { signal }),
      ...(limits === undefined ? {} : { limits }),
      onProgress: ({ receivedBytes }) =>
        onProgress?.({ path, receivedBytes: doneBefore + receivedBytes, totalBytes }),
    });
    doneBytes += sizeBytes;
  }
}

/** @throws StudioError DISK_FULL when the files, and what is made of them, do not fit. */
export function requireRoomFor(folder: string, files: readonly HubFile[], extraBytes: number): void {
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  requireFreeBytes(
    folder,
    bytes + extraBytes,
    `The download of ${files.length} files (${formatBytes(bytes)})`,
  );
}

/** Takes away what was downloaded, once it has gone where it belongs, and the folders that are then empty. */
export function removeDownloaded(dataDirectory: string, folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
    const top = join(dataDirectory, DOWNLOADS);
    for (let above = dirname(folder); above !== top && above !== dirname(above); above = dirname(above))
      rmdirSync(above);
  } catch {
    // Another commit waits there too, or the disk says no: nothing that a person must know.
  }
}

/** Where the files of a commit wait: a later attempt finds them there. */
export function waitingFolder(dataDirectory: string, { kind, name, commit }: HubRepository): string {
  return join(dataDirectory, DOWNLOADS, `${kind}s`, name.replace('/', '--'), commit);
}

function fileUrl(endpoint: URL, { kind, name, commit }: HubRepository, path: string): URL {
  const repository = kind === 'model' ? name : `datasets/${name}`;
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  return new URL(`${endpoint.href.replace(/\/$/, '')}/${repository}/resolve/${commit}/${encoded}`);
}
