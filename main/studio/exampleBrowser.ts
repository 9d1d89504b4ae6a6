/** @file Runs under Node. Pages of a data set's examples, searched or not; the last searches are kept for the next page. */
import type { Dataset, Example } from '../../shared/datasets.ts';
import { examples } from '../data/datasets.ts';
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
    const rows = [...places.subarray(page.from, page.from + page.count)].flatMap((from) =>
      examples(cache, dataset.id, search.split, { from, count: 1 }),
    );
    return { total: places.length, rows };
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
