/** @file Runs under Node. What can be done with data sets, over an open cache.db and the runs that refer to them. */
import type { ColumnMapping, Dataset, Example, Split } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import type { Cache } from '../data/cache.ts';
import {
  datasetSize,
  deleteDataset,
  examples,
  findDataset,
  listDatasets,
  requireDataset,
} from '../data/datasets.ts';
import { type ImportOptions, importDataset } from '../data/importDataset.ts';
import { clearTokenCaches, tokenCacheSize } from '../data/tokenCache.ts';
import { listRuns } from '../db/runs.ts';
import { isHubReference, parseHubReference } from '../hub/hubReference.ts';
import type { DataProgress } from '../training/jobs.ts';
import type { Databases } from './databases.ts';

/** Data sets that can be downloaded. */
const DOWNLOADS: readonly string[] = ['snli'];

export interface DownloadOptions {
  /** What it is called from now on; as where it comes from unless told. */
  readonly name?: string;
  /** Of a hub's data set: which part, which of its splits, and which columns are what. */
  readonly config?: string;
  readonly splits?: readonly string[];
  readonly mapping?: Partial<ColumnMapping>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DataProgress) => void;
}

export class DatasetService {
  readonly #databases: Databases;

  constructor(databases: Databases) {
    this.#databases = databases;
  }

  get #cache(): Cache {
    return this.#databases.cache();
  }

  list(): Dataset[] {
    return listDatasets(this.#cache);
  }

  find(name: string): Dataset | null {
    return findDataset(this.#cache, name);
  }

  /** @throws StudioError NOT_FOUND, telling which there are. */
  require(name: string): Dataset {
    return requireDataset(this.#cache, name);
  }

  examples(datasetId: number, split: Split, page: { from: number; count: number }): Example[] {
    return examples(this.#cache, datasetId, split, page);
  }

  async import(options: ImportOptions): Promise<Dataset> {
    return await importDataset(this.#cache, options);
  }

  /**
   * @param which "snli", or hf:OWNER/NAME of a hub
   * @throws StudioError NOT_FOUND for a data set that cannot be downloaded, USAGE for options that it does not have, and
   * whatever the download throws.
   */
  async download(which: string, options: DownloadOptions): Promise<Dataset> {
    const { config, splits, mapping, ...common } = options;
    const dataDirectory = this.#databases.places.root;
    // Loaded here, because the HTTP client takes longer to load than most commands to run.
    if (isHubReference(which)) {
      const { downloadHubDataset } = await import('../data/downloadHubDataset.ts');
      const reference = parseHubReference(which);
      return await downloadHubDataset(this.#cache, { ...options, reference, dataDirectory });
    }
    if (!DOWNLOADS.includes(which)) {
      throw new StudioError('NOT_FOUND', `"${which}" cannot be downloaded; ${DOWNLOADS.join(', ')} can.`, {
        nextStep:
          'A data set of a hub is named hf:OWNER/NAME; others are imported from a file: npx --no entail datasets import PATH --name NAME',
      });
    }
    if (config !== undefined || splits !== undefined || mapping !== undefined)
      throw new StudioError('USAGE', `${which} has no parts and columns to choose from.`, {
        nextStep: 'Leave out --config, --split, --mapping and --labels.',
      });
    const { downloadSnli } = await import('../data/downloadSnli.ts');
    return await downloadSnli(this.#cache, { ...common, dataDirectory });
  }

  size(name: string): { exampleBytes: number; tokenCacheBytes: number } {
    return datasetSize(this.#cache, name);
  }

  delete(name: string): void {
    deleteDataset(this.#cache, name);
  }

  /** Ids of the runs that were trained on the same examples, newest first. @throws StudioError NOT_FOUND. */
  usedBy(name: string): string[] {
    return this.#runsOf(new Set([this.require(name).contentHash]));
  }

  tokenCacheBytes(): number {
    return tokenCacheSize(this.#cache).sizeBytes;
  }

  clearTokenCaches(): void {
    clearTokenCaches(this.#cache);
  }

  /** Ids of the runs that would have to encode again when they are resumed or evaluated, newest first. */
  runsOfAll(): string[] {
    return this.#runsOf(new Set(this.list().map(({ contentHash }) => contentHash)));
  }

  #runsOf(contentHashes: ReadonlySet<string>): string[] {
    const runs = listRuns(this.#databases.store(), { includeArchived: true });
    return runs.filter(({ config }) => contentHashes.has(config.dataset.contentHash)).map(({ id }) => id);
  }
}
