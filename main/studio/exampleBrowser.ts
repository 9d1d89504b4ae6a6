/** @file Runs under Node. Pages of a data set's examples, searched or not; the last searches are kept for the next page. */
import type { Dataset, Example, Split } from '../../shared/datasets.ts';
import { examples } from '../data/datasets.ts';
import { BLOCK_EXAMPLES } from '../data/exampleBlocks.ts';
import { type ExampleSearch, searchExamples } from '../data/searchExamples.ts';
import type { Databases } from './databases.ts';

const KEPT_SEARCHES = 8;

export interface ExamplePage {
  readonly total: number;
  readonly rows: readonly Example[];
}

export class ExampleBrowser {
  readonly #databases: Databases;
  readonly #found = new Map<string, Promise<Int32Array>>();

  constructor(databases: Databases) {
    this.#databases = databases;
  }

  async page(
    dataset: Dataset,
    search: ExampleSearch,
    page: { from: number; count: number },
  ): Promise<ExamplePage> {
    const cache = this.#databases.cache();
    if (search.text === '' && search.label === null) {
      return { total: dataset.rows[search.split], rows: examples(cache, dataset.id, search.split, page) };
    }
    const places = await this.#search(dataset, search);
    const wanted = places.subarray(page.from, page.from + page.count);
    return { total: places.length, rows: this.#rowsAt(dataset, search.split, wanted) };
  }

  /** Rows lie together in blocks, and `places` ascend: each block is read once. */
  #rowsAt({ id }: Dataset, split: Split, places: Int32Array): Example[] {
    const cache = this.#databases.cache();
    const rows: Example[] = [];
    let block: readonly Example[] = [];
    for (const place of places) {
      const from = place - (place % BLOCK_EXAMPLES);
      if (block[0]?.index !== from) block = examples(cache, id, split, { from, count: BLOCK_EXAMPLES });
      const row = block[place - from];
      if (row !== undefined) rows.push(row);
    }
    return rows;
  }

  #search(dataset: Dataset, search: ExampleSearch): Promise<Int32Array> {
    const key = JSON.stringify([dataset.contentHash, dataset.id, search]);
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    const found = searchExamples(this.#databases.cache(), dataset, search);
    this.#found.set(key, found);
    found.catch(() => this.#found.delete(key));
    if (this.#found.size > KEPT_SEARCHES) this.#found.delete(this.#found.keys().next().value!);
    return found;
  }
}
