/** @file Runs under Node. What can be done with data sets, over an open cache.db and the runs that refer to them. */
import type { Dataset, Example, Split } from '../../shared/datasets.ts';
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
import type { SnliOptions } from '../data/downloadSnli.ts';
import { type ImportOptions, importDataset } from '../data/importDataset.ts';
import { clearTokenCaches, tokenCacheSize } from '../data/tokenCache.ts';
import { listRuns } from '../db/runs.ts';
import type { Databases } from './databases.ts';

/** Data sets that can be downloaded. */
const DOWNLOADS: readonly string[] = ['snli'];

export type DownloadOptions = Omit<SnliOptions, 'dataDirectory' | 'source'>;

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

  /** @throws StudioError NOT_FOUND for a data set that cannot be downloaded, and whatever the download throws. */
  async download(which: string, options: DownloadOptions): Promise<Dataset> {
    if (!DOWNLOADS.includes(which)) {
      throw new StudioError('NOT_FOUND', `"${which}" cannot be downloaded; ${DOWNLOADS.join(', ')} can.`, {
        nextStep:
          'Other data sets are imported from a file: npx --no entail datasets import PATH --name NAME',
      });
    }
    // Loaded here, because the HTTP client takes longer to load than most commands to run.
    const { downloadSnli } = await import('../data/downloadSnli.ts');
    return await downloadSnli(this.#cache, { ...options, dataDirectory: this.#databases.places.root });
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
