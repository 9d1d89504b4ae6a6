/** @file Runs in the page. The state of the Compare page: the chosen runs, how they are looked at, and what the studio knows of them. */
import type { PairedDifference } from '../../../shared/contract/compare.ts';
import type { MetricPresence } from '../../../shared/contract/series.ts';
import type { View } from '../../../shared/contract/views.ts';
import { errorData, errorFromData, type StudioError } from '../../../shared/errors.ts';
import type { MetricName, RunComparison } from '../../../shared/runs.ts';
import type { Client } from '../../api/client.ts';
import type { ChartGroup, ChartRun } from '../../charts/chartLines.ts';
import { type Encoding, encodeRuns } from '../../charts/encoding.ts';
import type { AxisWish } from '../../charts/parallelAxes.ts';
import { splitSettings } from '../../table/differing.ts';
import { formatCell } from '../../table/format.ts';
import { groupRows } from '../../table/grouping.ts';
import { type Column, IndexedTable, nameOf } from '../../table/indexedTable.ts';
import { type CompareView, firstMetrics, readCompareView } from './compareView.ts';

/** Figures of running runs change with every evaluation: asked for again at most this often. */
const AGAIN_MS = 1000;
/** Settings that tell runs apart in tooltip and legend: more words than these are not read. */
const MOST_WORDS = 3;

export class Comparison {
  view: CompareView = $state.raw(readCompareView({}));
  table: IndexedTable | null = $state.raw(null);
  comparison: RunComparison | null = $state.raw(null);
  presence: readonly MetricPresence[] = $state.raw([]);
  significance: readonly PairedDifference[] | null = $state.raw(null);
  significanceError: StudioError | null = $state.raw(null);
  views: readonly View[] = $state.raw([]);
  error: StudioError | null = $state.raw(null);
  readonly #client: Client;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #asked = '';

  constructor(client: Client) {
    this.#client = client;
  }

  /** The chosen runs that are there, in the order in which they were chosen. */
  readonly rows: readonly number[] = $derived.by(() =>
    this.view.runs.flatMap((id) => this.table?.rowOf(id) ?? []),
  );
  readonly ids: readonly string[] = $derived.by(() => this.rows.map((row) => this.table!.table.ids[row]!));
  /** A run that is hidden is in no chart; it stays in every figure and in the table. */
  readonly shownRows: readonly number[] = $derived.by(() => {
    const hidden = new Set(this.view.hidden);
    return this.rows.filter((row) => !hidden.has(this.table!.table.ids[row]!));
  });
  /** The first run, unless another was chosen. */
  readonly baseline: string | null = $derived.by(() => {
    const { baseline } = this.view;
    return baseline !== null && this.ids.includes(baseline) ? baseline : (this.ids[0] ?? null);
  });
  readonly metrics: readonly MetricName[] = $derived.by(
    () => this.view.metrics ?? firstMetrics(this.presence),
  );
  readonly differing: readonly Column[] = $derived.by(() =>
    this.table === null ? [] : splitSettings(this.table, this.rows, false).differing,
  );
  /** What runs can be grouped and coloured by: what tells them apart, and a few words of their own. */
  readonly fields: readonly Column[] = $derived.by(() => [
    ...this.differing,
    ...(this.table?.columns.filter(({ key }) => ['experiment', 'tags', 'state', 'name'].includes(key)) ?? []),
  ]);
  readonly encoding: Encoding | null = $derived.by(() =>
    this.table === null ? null : encodeRuns(this.table, this.shownRows, this.view),
  );

  readonly chartRuns: readonly (ChartRun & { readonly chart: number })[] = $derived.by(() => {
    const { table, encoding, baseline } = this;
    if (table === null || encoding === null) return [];
    return this.shownRows.map((row) => ({
      id: table.table.ids[row]!,
      name: nameOf(table.table, row),
      ...encoding.ofRow.get(row)!,
      baseline: table.table.ids[row] === baseline,
      difference: this.differing
        .slice(0, MOST_WORDS)
        .map(({ key, name, kind }) => `${name} ${formatCell(kind, table.reader(key)(row))}`)
        .join(' · '),
    }));
  });

  /** Over all members, hidden ones too: what is shown changes no mean. */
  readonly groups: readonly ChartGroup[] | null = $derived.by(() => {
    const { table } = this;
    if (table === null || this.view.groupBy.length === 0) return null;
    return groupRows(table, this.rows, this.view.groupBy).map(({ key, values, rows }, at) => ({
      key,
      name: values
        .map(
          ({ field, value }) =>
            `${table.column(field)?.name ?? field} ${formatCell(table.column(field)?.kind ?? 'text', value)}`,
        )
        .join(' · '),
      colour: at % 8,
      dash: Math.floor(at / 8) % 6,
      runs: rows.map((row) => table.table.ids[row]!),
    }));
  });

  readonly axisMetric: string = $derived.by(() => {
    const measured = new Set(
      this.table?.table.metrics
        .filter(({ values }) => this.rows.some((row) => values[row] !== null))
        .map(({ key }) => key),
    );
    const liked = [
      this.view.axisMetric,
      'test/accuracy',
      'dev/accuracy',
      'result/trainAccuracy',
      'running/loss',
    ];
    return liked.find((key) => key !== null && measured.has(key)) ?? [...measured][0] ?? 'test/accuracy';
  });
  readonly axes: readonly AxisWish[] = $derived.by(
    () =>
      this.view.axes ??
      [...this.differing.map(({ key }) => key), this.axisMetric].map((key) => ({
        key,
        log: key === 'hyperparameters.lr',
        flipped: false,
        brush: null,
      })),
  );

  change(part: Partial<CompareView>): void {
    this.view = { ...this.view, ...part };
  }

  remove(id: string): void {
    this.change({ runs: this.view.runs.filter((run) => run !== id) });
  }

  toggleHidden(id: string): void {
    const { hidden } = this.view;
    this.change({ hidden: hidden.includes(id) ? hidden.filter((run) => run !== id) : [...hidden, id] });
  }

  /** Everything that depends on which runs there are. */
  async load(): Promise<void> {
    try {
      this.table = new IndexedTable(await this.#client.request('runs/table', {}));
      this.#asked = '';
      await this.loadRuns();
      this.error = null;
    } catch (thrown) {
      this.error = errorFromData(errorData(thrown));
    }
  }

  /** What the studio knows of the chosen runs; only when they are others than before. */
  async loadRuns(): Promise<void> {
    const { ids } = this;
    const asked = ids.join(' ');
    if (asked === this.#asked || this.table === null) return;
    this.#asked = asked;
    if (ids.length === 0) {
      this.comparison = null;
      this.presence = [];
      return;
    }
    try {
      const [comparison, presence] = await Promise.all([
        this.#client.request('compare/runs', { runs: [...ids] }),
        this.#client.request('series/metrics', { runs: [...ids] }),
      ]);
      // Another choice may have been made meanwhile; its own answer comes.
      if (asked !== this.#asked) return;
      this.comparison = comparison;
      this.presence = presence;
      this.error = null;
    } catch (thrown) {
      this.#asked = '';
      this.error = errorFromData(errorData(thrown));
    }
  }

  async loadSignificance(): Promise<void> {
    const { baseline, ids } = this;
    const others = ids.filter((id) => id !== baseline);
    this.significance = null;
    this.significanceError = null;
    if (baseline === null || others.length === 0) return;
    try {
      const found = await this.#client.request('compare/significance', {
        baseline,
        runs: others,
        split: this.view.split,
      });
      if (this.baseline === baseline) this.significance = found;
    } catch (thrown) {
      this.significanceError = errorFromData(errorData(thrown));
    }
  }

  async loadViews(): Promise<void> {
    this.views = await this.#client.request('views/list', { page: 'compare' });
  }

  /** Under a name; "" is what the page looked like last. */
  async saveView(name: string): Promise<void> {
    await this.#client.request('views/save', {
      page: 'compare',
      name,
      state: JSON.parse(JSON.stringify(this.view)),
    });
    await this.loadViews();
  }

  async deleteView(name: string): Promise<void> {
    await this.#client.request('views/delete', { page: 'compare', name });
    await this.loadViews();
  }

  /** Rows that change are asked for again; returns how to leave. */
  follow(): () => void {
    const leave = this.#client.transport.subscribe(({ events }) => {
      const concerned = events.some(
        ({ kind }) => kind === 'runs' || kind === 'runsDeleted' || kind === 'reset' || kind === 'evaluation',
      );
      if (concerned) this.#timer ??= setTimeout(() => this.#again(), AGAIN_MS);
    });
    return () => {
      leave();
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = null;
    };
  }

  #again(): void {
    this.#timer = null;
    void this.load();
  }
}
