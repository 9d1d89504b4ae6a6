/** @file Node. A data set of a hub: finds its Parquet files, fetches them with their sums, and imports them. */
import { join } from 'node:path';
import type { ColumnMapping, Dataset } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import { formatBytes } from '../files/disk.ts';
import type { DownloadLimits } from '../files/downloadRequest.ts';
import { orByHand } from '../hub/hubErrors.ts';
import { downloadHubFiles, removeDownloaded, requireRoomFor, waitingFolder } from '../hub/hubFiles.ts';
import { type HubReference, hubReferenceText, nameInHub } from '../hub/hubReference.ts';
import { askRepository, type HubAsking, type HubFile, type HubRepository } from '../hub/hubRepository.ts';
import { type HubSettings, hubSettings } from '../hub/hubSettings.ts';
import type { Cache } from './cache.ts';
import { checkDatasetName, findDataset, nameTaken } from './datasets.ts';
import { type ChosenPieces, choosePieces, localNames, piecesOf } from './hubPieces.ts';
import { type ImportProgress, importDataset } from './importDataset.ts';
import { classNamesOfCard } from './readers/classNames.ts';

/** What will be fetched, told before it is. */
export interface HubDatasetPlan {
  /** "hf:OWNER/NAME@COMMIT". */
  readonly origin: string;
  readonly config: string;
  readonly splits: readonly string[];
  readonly leftOut: readonly string[];
  readonly files: number;
  readonly totalBytes: number;
  readonly license: string | null;
}

export type HubDatasetProgress =
  | { readonly step: 'plan'; readonly plan: HubDatasetPlan }
  | { readonly step: 'download'; readonly receivedBytes: number; readonly totalBytes: number }
  | ({ readonly step: 'import' } & ImportProgress);

export interface HubDatasetOptions {
  readonly reference: HubReference;
  readonly dataDirectory: string;
  /** As the repository unless told, with its configuration when one was chosen. */
  readonly name?: string;
  readonly config?: string;
  readonly splits?: readonly string[];
  readonly mapping?: Partial<ColumnMapping>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: HubDatasetProgress) => void;
  readonly settings?: HubSettings;
  readonly limits?: Partial<DownloadLimits>;
}

/** Where the hub keeps what it has made of data sets in other formats. */
const CONVERTED = 'refs/convert/parquet';
/** Of Parquet; a data set of pairs of sentences of that size has tens of millions of rows. */
const MAX_BYTES = 4e9;
/** Measured: 23 MB of Parquet (540,025 pairs) became 120 MB of cache; its log may take as much again. */
const CACHE_BYTES_A_BYTE = 11;

/**
 * Files wait in `<data directory>/downloads` until they are imported: what was interrupted goes on where it stopped.
 * @throws StudioError OFFLINE (saying how to bring the files by hand), NOT_FOUND, UNAUTHORISED, FORBIDDEN,
 *   TOO_MANY_ATTEMPTS, DOWNLOAD_FAILED, CHECKSUM_MISMATCH, TOO_LARGE, DISK_FULL, CANCELLED; what `importDataset` throws
 */
export async function downloadHubDataset(cache: Cache, options: HubDatasetOptions): Promise<Dataset> {
  const { signal, onProgress, limits } = options;
  const name = options.name ?? defaultName(options);
  checkDatasetName(name);
  if (findDataset(cache, name) !== null) throw nameTaken(name);
  const asking: HubAsking = {
    settings: options.settings ?? hubSettings(),
    ...(signal === undefined ? {} : { signal }),
    ...(limits === undefined ? {} : { limits }),
  };
  const { repository, chosen } = await find(options, asking);
  const origin = hubReferenceText({ repository: repository.name, revision: repository.commit });
  const files = filesOf(chosen);
  onProgress?.({ step: 'plan', plan: planOf({ origin, repository, chosen, files }) });
  const folder = join(waitingFolder(options.dataDirectory, repository), folderName(chosen));
  requireImportable(origin, files);
  requireRoomFor(folder, files, CACHE_BYTES_A_BYTE * bytesOf(files));
  await fetchFiles({ ...asking, repository, files, folder }, onProgress);
  const dataset = await importDataset(cache, {
    ...{ path: folder, name, origin, classNames: classNamesOfCard(repository.card, chosen.config) },
    ...(options.mapping === undefined ? {} : { mapping: options.mapping }),
    ...(signal === undefined ? {} : { signal }),
    onProgress: (progress) => onProgress?.({ step: 'import', ...progress }),
  });
  removeDownloaded(options.dataDirectory, folder);
  return dataset;
}

interface Found {
  readonly repository: HubRepository;
  readonly chosen: ChosenPieces;
}

/** Its own Parquet files, else those that the hub has made of it. */
async function find(options: HubDatasetOptions, asking: HubAsking): Promise<Found> {
  const { reference, config = null, splits = null } = options;
  try {
    const own = await askRepository('dataset', reference, asking);
    const pieces = piecesOf(own);
    if (pieces.length > 0) return { repository: own, chosen: choosePieces(own, pieces, { config, splits }) };
    // What it has made of one revision is not what it would make of another.
    if (reference.revision !== null) throw noTables(own);
    const converted = await askConverted(own, asking);
    return {
      repository: converted,
      chosen: choosePieces(converted, piecesOf(converted), { config, splits }),
    };
  } catch (thrown) {
    throw orByHand(
      thrown,
      'download the .parquet files elsewhere, and run npx --no entail datasets import FOLDER --name NAME.',
    );
  }
}

/** The card that counts is the data set's own. */
async function askConverted(own: HubRepository, asking: HubAsking): Promise<HubRepository> {
  let converted: HubRepository;
  try {
    converted = await askRepository('dataset', { repository: own.name, revision: CONVERTED }, asking);
  } catch (thrown) {
    throw thrown instanceof StudioError && thrown.code === 'NOT_FOUND' ? noTables(own) : thrown;
  }
  const files = converted.files.filter(({ path }) => !/(^|\/)partial-/.test(path));
  const { card, license } = own;
  const whole = { ...converted, files, card, license };
  if (piecesOf(whole).length === 0) throw noTables(own);
  return whole;
}

function noTables({ name, files }: HubRepository): StudioError {
  const seen = files.slice(0, 5).map(({ path }) => path);
  return new StudioError(
    'NOT_FOUND',
    `hf:${name} has no Parquet files (it has: ${seen.join(', ') || 'nothing'}).`,
    {
      nextStep: 'Download its files in a browser, and import those that are CSV, TSV or JSONL.',
    },
  );
}

async function fetchFiles(
  download: Omit<Parameters<typeof downloadHubFiles>[0], 'onProgress'>,
  onProgress: HubDatasetOptions['onProgress'],
): Promise<void> {
  try {
    await downloadHubFiles({
      ...download,
      onProgress: ({ receivedBytes, totalBytes }) =>
        onProgress?.({ step: 'download', receivedBytes, totalBytes }),
    });
  } catch (thrown) {
    throw orByHand(thrown, 'fetch the files elsewhere, and import their folder.');
  }
}

/** On this disk a file has the name that tells its split. */
function filesOf({ pieces }: ChosenPieces): (HubFile & { readonly localPath: string })[] {
  const names = localNames(pieces);
  return pieces.map(({ file }, at) => ({ ...file, localPath: names[at]! }));
}

function planOf({
  origin,
  repository,
  chosen,
  files,
}: {
  origin: string;
  repository: HubRepository;
  chosen: ChosenPieces;
  files: readonly HubFile[];
}): HubDatasetPlan {
  const { config, pieces, leftOut } = chosen;
  const splits = [...new Set(pieces.map(({ split }) => split))];
  const { license } = repository;
  return { origin, config, splits, leftOut, files: files.length, totalBytes: bytesOf(files), license };
}

function requireImportable(origin: string, files: readonly HubFile[]): void {
  const bytes = bytesOf(files);
  if (bytes <= MAX_BYTES) return;
  throw new StudioError(
    'TOO_LARGE',
    `${origin} has ${formatBytes(bytes)}, more than ${formatBytes(MAX_BYTES)}.`,
    {
      nextStep: 'Choose some of its splits with --split, or a smaller --config.',
    },
  );
}

function bytesOf(files: readonly HubFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** What is chosen differently waits apart. */
function folderName({ config, pieces }: ChosenPieces): string {
  const splits = [...new Set(pieces.map(({ split }) => split))];
  return [config, ...splits]
    .join('+')
    .replace(/[^\w.+-]/g, '_')
    .slice(0, 150);
}

function defaultName({ reference, config }: HubDatasetOptions): string {
  return config === undefined ? nameInHub(reference) : `${nameInHub(reference)}-${config}`;
}
