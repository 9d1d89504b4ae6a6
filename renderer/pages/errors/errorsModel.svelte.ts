/** @file Runs in the page. What the Errors page shows: the overview, the chosen examples page by page, and the filter. */

import type { Input } from '../../../shared/contract/contract.ts';
import {
  type AnalysedExample,
  type ErrorFilter,
  type ErrorOverview,
  errorFilterSchema,
} from '../../../shared/contract/errorAnalysis.ts';
import type { Split } from '../../../shared/datasets.ts';
import type { StudioState } from '../../state/studio.svelte.ts';

export type ErrorSort = NonNullable<Input<'errors/rows'>['sort']>;

const PAGE_ROWS = 60;
const WAIT_MS = 150;

export class ErrorsModel {
  readonly #studio: StudioState;
  readonly id: string | null;
  split: Split = $state('test');
  against: string | null = $state(null);
  overview: ErrorOverview | null = $state.raw(null);
  filter: ErrorFilter = $state.raw(errorFilterSchema.parse({}));
  sort: ErrorSort = $state('mostConfident');
  rows: readonly AnalysedExample[] = $state.raw([]);
  total = $state(0);
  error: unknown = $state.raw(null);
  loading = $state(false);
  #opened = 0;
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(studio: StudioState, id: string | null) {
    this.#studio = studio;
    this.id = id;
  }

  /** Runs that have been tested, newest first. */
  readonly candidates: readonly string[] = $derived.by(() => {
    const { table } = this.#studio.runs;
    const tested = table.metrics.find(({ key }) => key === 'test/accuracy')?.values ?? [];
    return table.ids.filter((_, row) => tested[row] != null);
  });
  readonly choice = $derived.by(() => ({
    run: this.id ?? '',
    split: this.split,
    against: this.against,
    filter: this.filter,
  }));

  async open(split: Split, against: string | null): Promise<void> {
    this.split = split;
    this.against = against;
    if (this.id === null) return;
    if (against === null && this.filter.change !== null) this.filter = { ...this.filter, change: null };
    const opened = ++this.#opened;
    try {
      const overview = await this.#studio.client.request('errors/overview', { run: this.id, split, against });
      // The answer to an earlier choice would stand under the name of the newest one.
      if (opened !== this.#opened) return;
      this.overview = overview;
      this.error = null;
      await this.load();
    } catch (thrown) {
      if (opened === this.#opened) this.error = thrown;
    }
  }

  /** Changes the filter; what is typed is asked for after a moment. */
  narrow(change: Partial<ErrorFilter>): void {
    this.filter = { ...this.filter, ...change };
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.load(), 'text' in change ? WAIT_MS : 0);
  }

  order(sort: ErrorSort): void {
    this.sort = sort;
    void this.load();
  }

  /** A cell's examples; on the diagonal they are those that are right. With `add` beside the others. */
  choose(cell: { gold: number; predicted: number }, add: boolean): void {
    const same = (one: { gold: number; predicted: number }) =>
      one.gold === cell.gold && one.predicted === cell.predicted;
    const { cells } = this.filter;
    const known = cells.some(same);
    const next = add
      ? known
        ? cells.filter((one) => !same(one))
        : [...cells, cell]
      : known && cells.length === 1
        ? []
        : [cell];
    this.narrow({ cells: next, correctness: next.length === 0 ? 'wrong' : 'all', change: null });
  }

  async load(): Promise<void> {
    const asked = ++this.#asked;
    this.loading = true;
    try {
      const page = await this.#page(0);
      if (asked !== this.#asked) return;
      this.rows = page.rows;
      this.total = page.total;
    } catch (thrown) {
      if (asked === this.#asked) this.#studio.toasts.fail(thrown);
    } finally {
      if (asked === this.#asked) this.loading = false;
    }
  }

  /** The next page, when somebody has read so far. */
  async more(): Promise<void> {
    if (this.loading || this.rows.length >= this.total) return;
    const asked = this.#asked;
    this.loading = true;
    try {
      const page = await this.#page(this.rows.length);
      if (asked === this.#asked) this.rows = [...this.rows, ...page.rows];
    } catch (thrown) {
      if (asked === this.#asked) this.#studio.toasts.fail(thrown);
    } finally {
      if (asked === this.#asked) this.loading = false;
    }
  }

  async #page(from: number) {
    return await this.#studio.client.request('errors/rows', {
      ...this.choice,
      sort: this.sort,
      from,
      count: PAGE_ROWS,
    });
  }
}
