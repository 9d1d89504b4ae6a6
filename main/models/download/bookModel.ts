/** @file Node. The book's pretrained models from its own server, by the addresses and sums that it prints (book.md 5). */
import { join } from 'node:path';
import { StudioError } from '../../../shared/errors.ts';
import type { ImportedModel } from '../../../shared/models.ts';
import { downloadFile } from '../../files/download.ts';
import { orByHand } from '../../hub/hubErrors.ts';
import { removeDownloaded } from '../../hub/hubFiles.ts';
import { importModel, requireFreeModelName } from '../store/importModel.ts';
import type { ModelDownload } from './downloadProgress.ts';

export interface BookModelSource {
  readonly url: string;
  readonly sha1: string;
  /** No shape tells them; the book's own loader has those of bert.small built in. */
  readonly heads: number;
  readonly layers: number;
}

/** The book's DATA_URL. Plain HTTP, as it prints it: the sums say whether the files are the book's. */
const DATA_URL = 'http://d2l-data.s3-accelerate.amazonaws.com/';

export const BOOK_MODELS: ReadonlyMap<string, BookModelSource> = new Map([
  [
    'bert.small',
    {
      url: `${DATA_URL}bert.small.torch.zip`,
      sha1: 'c72329e68a732bef0452e4b96a1c341c8910f81f',
      heads: 4,
      layers: 2,
    },
  ],
  [
    'bert.base',
    {
      url: `${DATA_URL}bert.base.torch.zip`,
      sha1: '225d66f04cae318b841a13d32af3acc165f253ac',
      heads: 12,
      layers: 12,
    },
  ],
]);

/**
 * The archive is removed once the model is imported.
 * @throws StudioError OFFLINE (saying how to bring the archive), DOWNLOAD_FAILED, CHECKSUM_MISMATCH, DISK_FULL, CANCELLED;
 * what `importModel` throws
 */
export async function downloadBookModel(
  source: BookModelSource,
  download: ModelDownload,
): Promise<ImportedModel> {
  const { store, name, dataDirectory, signal, onProgress } = download;
  const { url, sha1, heads, layers } = source;
  requireFreeModelName(store, name);
  const file = url.slice(url.lastIndexOf('/') + 1);
  // By its sum: nothing else is ever taken for it, and a folder of its own can be removed whole.
  const folder = join(dataDirectory, 'downloads', 'models', 'book', sha1);
  onProgress?.({
    step: 'plan',
    plan: { origin: url, files: [{ path: file, sizeBytes: null }], licence: download.licence },
  });
  const to = join(folder, file);
  try {
    await downloadFile({
      ...{ url, to, sha1 },
      ...(signal === undefined ? {} : { signal }),
      onProgress: ({ receivedBytes, totalBytes }) =>
        onProgress?.({ step: 'download', receivedBytes, totalBytes }),
    });
  } catch (thrown) {
    throw orByHand(
      thrown,
      `fetch ${url} (SHA-1 ${sha1}) elsewhere, copy it over, and run npx --no entail models import ${file} --name ${name}.`,
    );
  }
  const model = await importModel(
    store,
    { ...download, path: to, origin: { source: url, revision: null }, heads, layers },
    { signal, onProgress: (fraction) => onProgress?.({ step: 'import', fraction }) },
  );
  removeDownloaded(dataDirectory, folder);
  return model;
}

/** @throws StudioError NOT_FOUND, saying what can be downloaded. */
export function requireBookModel(which: string): BookModelSource {
  const source = BOOK_MODELS.get(which);
  if (source !== undefined) return source;
  const names = [...BOOK_MODELS.keys()].join(' and ');
  throw new StudioError(
    'NOT_FOUND',
    `There is no model called ${JSON.stringify(which.slice(0, 80))} to download.`,
    {
      nextStep: `The book's are ${names}; those of a hub are named hf:OWNER/NAME.`,
    },
  );
}
