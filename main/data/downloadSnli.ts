/** @file Runs anywhere under Node. Fetches SNLI from its authors' server, checks it, and imports it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import { requireFreeBytes } from '../files/disk.ts';
import { downloadFile } from '../files/download.ts';
import type { Cache } from './cache.ts';
import { checkDatasetName, findDataset, nameTaken } from './datasets.ts';
import { type ImportProgress, importDataset } from './importDataset.ts';

/** SNLI 1.0 as the book's DATA_HUB names it. */
const SNLI_URL = 'https://nlp.stanford.edu/projects/snli/snli_1.0.zip';
const SNLI_SHA1 = '9fcde07509c7e87ec61c640c1b2753d9041758e4';
const SNLI_FILE = 'snli_1.0.zip';

/** About 95 MB of zip and 250 MB of cache, its log included. */
const NEEDED_BYTES = 400_000_000;

export type SnliProgress =
  | { readonly step: 'download'; readonly receivedBytes: number; readonly totalBytes: number | null }
  | ({ readonly step: 'import' } & ImportProgress);

export interface SnliOptions {
  readonly dataDirectory: string;
  /** Name of the data set; "snli" unless told. */
  readonly name?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: SnliProgress) => void;
  /** Another address and sum, for a mirror or a test. */
  readonly source?: { readonly url: string; readonly sha1: string };
}

/**
 * Downloads SNLI into `<data directory>/downloads` (an interrupted download goes on where it stopped), compares its
 * SHA-1 before anything is read from it, and imports it. The zip is kept: a second import needs no network.
 * @throws StudioError OFFLINE (saying how to import by hand), DOWNLOAD_FAILED, CHECKSUM_MISMATCH, CANCELLED, and
 *   what `importDataset` throws.
 */
export async function downloadSnli(cache: Cache, options: SnliOptions): Promise<Dataset> {
  const name = options.name ?? 'snli';
  checkDatasetName(name);
  if (findDataset(cache, name) !== null) throw nameTaken(name);
  const path = await fetchSnli(options);
  return importDataset(cache, {
    path,
    name,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onProgress: (progress) => options.onProgress?.({ step: 'import', ...progress }),
  });
}

async function fetchSnli(options: SnliOptions): Promise<string> {
  const folder = join(options.dataDirectory, 'downloads');
  mkdirSync(folder, { recursive: true });
  requireFreeBytes(folder, NEEDED_BYTES, 'downloading and importing SNLI');
  const { url, sha1 } = options.source ?? { url: SNLI_URL, sha1: SNLI_SHA1 };
  const to = join(folder, SNLI_FILE);
  try {
    await downloadFile({
      url,
      to,
      sha1,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onProgress: ({ receivedBytes, totalBytes }) =>
        options.onProgress?.({ step: 'download', receivedBytes, totalBytes }),
    });
  } catch (thrown) {
    if (thrown instanceof StudioError && thrown.code === 'OFFLINE') throw importByHand(thrown, { url, sha1 });
    throw thrown;
  }
  return to;
}

function importByHand(offline: StudioError, { url, sha1 }: { url: string; sha1: string }): StudioError {
  return new StudioError('OFFLINE', offline.message, {
    nextStep:
      `Without a network here: fetch ${url} (SHA-1 ${sha1}) on another machine, copy ${SNLI_FILE} over, and run ` +
      `npx --no entail datasets import ${SNLI_FILE} --name snli`,
    cause: offline,
  });
}
