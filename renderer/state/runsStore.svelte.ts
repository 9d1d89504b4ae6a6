/** @file Runs in the page. All runs: read once, refreshed row by row, with the progress of those that train. */
import type { RunsTable } from '../../shared/contract/runs.ts';
import type { RunProgress, RunState } from '../../shared/runs.ts';
import type { Client } from '../api/client.ts';
import { IndexedTable, measuredAt, nameOf } from '../table/indexedTable.ts';
import { emptyTable, withoutRows, withRows } from './tableRows.ts';
import { unpackTable } from './unpackedTable.ts';
import { Upkeep } from './upkeep.ts';

/** Changed rows are asked for together. */
const GATHER_MS = 150;

export class RunsStore {
  readonly #client: Client;
  #table: RunsTable = $state.raw(emptyTable());
  #loaded = $state(false);
  #error: unknown = $state.raw(null);
  /** Progress since the table was read, by run. */
  #progress: ReadonlyMap<string, { readonly state: RunState; readonly progress: RunProgress }> = $state.raw(
    new Map(),
  );
  readonly #indexed = $derived(new IndexedTable(this.#table));
  readonly #rows = $derived(new Map(this.#table.ids.map((id, row) => [id, row])));
  readonly #upkeep = new Upkeep(() => this.#ask());
  /** What is to be asked for: rows, or everything. */
  #changed = new Set<string>();
  #wanted: 'rows' | 'everything' = 'rows';
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(client: Client) {
    this.#client = client;
  }

  get table(): RunsTable {
    return this.#table;
  }

  /** The table ready to be filtered, sorted and grouped. */
  get indexed(): IndexedTable {
    return this.#indexed;
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  get error(): unknown {
    return this.#error;
  }

  get size(): number {
    return this.#table.ids.length;
  }

  /** Place of a run in the table; undefined for one that is not there. */
  row(id: string): number | undefined {
    return this.#rows.get(id);
  }

  name(id: string): string {
    const row = this.row(id);
    return row === undefined ? id : nameOf(this.#table, row);
  }

  colour(id: string): number {
    const row = this.row(id);
    return row === undefined ? 0 : (this.#table.colours[row] ?? 0);
  }

  state(id: string): RunState | null {
    const live = this.#progress.get(id);
    if (live !== undefined) return live.state;
    const row = this.row(id);
    return row === undefined ? null : (this.#table.states[row] ?? null);
  }

  progress(id: string): RunProgress | null {
    const live = this.#progress.get(id);
    if (live !== undefined) return live.progress;
    const row = this.row(id);
    return row === undefined ? null : (this.#table.progress[row] ?? null);
  }

  setting(id: string, key: string): string | number | boolean | null {
    const row = this.row(id);
    const column = this.#table.settings.find((one) => one.key === key);
    if (row === undefined || column === undefined) return null;
    return column.values[column.codes[row] ?? -1] ?? null;
  }

  metric(id: string, key: string): number | null {
    const row = this.row(id);
    const column = this.#table.metrics.find((one) => one.key === key);
    return row === undefined || column === undefined ? null : measuredAt(column, row);
  }

  async load(): Promise<void> {
    this.#wanted = 'everything';
    await this.#upkeep.refresh();
  }

  /** The studio can be reached again. */
  catchUp(): void {
    this.#upkeep.catchUp();
  }

  /** Rows that are new or have changed; asked for after a moment, together. */
  touch(ids: readonly string[]): void {
    for (const id of ids) this.#changed.add(id);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.#upkeep.refresh();
    }, GATHER_MS);
  }

  remove(ids: readonly string[]): void {
    this.#table = withoutRows(this.#table, new Set(ids));
  }

  advance(run: string, state: RunState, progress: RunProgress): void {
    this.#progress = new Map(this.#progress).set(run, { state, progress });
  }

  async #ask(): Promise<void> {
    const wanted = this.#wanted;
    const ids = [...this.#changed];
    this.#wanted = 'rows';
    this.#changed = new Set();
    try {
      if (wanted === 'everything') await this.#askForAll();
      else if (ids.length > 0) await this.#askFor(ids);
    } catch (thrown) {
      for (const id of ids) this.#changed.add(id);
      if (wanted === 'everything') {
        this.#wanted = wanted;
        this.#error = thrown;
      }
      throw thrown;
    }
  }

  async #askForAll(): Promise<void> {
    this.#table = unpackTable(await this.#client.request('runs/table', {}));
    this.#progress = new Map();
    this.#error = null;
    this.#loaded = true;
  }

  async #askFor(ids: readonly string[]): Promise<void> {
    const fresh = unpackTable(await this.#client.request('runs/table', { ids: [...ids] }));
    this.#table = withRows(this.#table, ids, fresh);
    const live = new Map(this.#progress);
    for (const id of ids) live.delete(id);
    this.#progress = live;
  }
}
