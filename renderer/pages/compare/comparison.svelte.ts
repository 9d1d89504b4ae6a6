/** @file Runs in the page. The state of the Compare page: the chosen runs, how they are looked at, and what the studio knows of them. */

import type { RunComparison } from '../../../shared/comparison.ts';
import type { PairedDifference } from '../../../shared/contract/compare.ts';
import type { MetricPresence } from '../../../shared/contract/series.ts';
import type { View } from '../../../shared/contract/views.ts';
import type { MetricName } from '../../../shared/runs.ts';
import type { Client } from '../../api/client.ts';
import type { ChartGroup, ChartRun } from '../../charts/chartLines.ts';
import { type Encoding, encodeRuns } from '../../charts/encoding.ts';
import type { AxisWish } from '../../charts/parallelAxes.ts';
import type { StudioState } from '../../state/studio.svelte.ts';
import type { Workspace } from '../../state/workspace.svelte.ts';
import { splitSettings } from '../../table/differing.ts';
import { distinctNames } from '../../table/distinctNames.ts';
import { formatCell } from '../../table/format.ts';
import { groupRows } from '../../table/grouping.ts';
import type { Column, IndexedTable } from '../../table/indexedTable.ts';
import { type CompareView, firstMetrics, readCompareView } from './compareView.ts';

/** Settings that tell runs apart in tooltip and legend: more words than these are not read. */
const MOST_WORDS = 3;

export class Comparison {
  view: CompareView = $state.raw(readCompareView({}));
  comparison: RunComparison | null = $state.raw(null);
  presence: readonly MetricPresence[] = $state.raw([]);
  significance: readonly PairedDifference[] | null = $state.raw(null);
  significanceError: unknown = $state.raw(null);
  views: readonly View[] = $state.raw([]);
  error: unknown = $state.raw(null);
  readonly workspace: Workspace;
  readonly #client: Client;
  readonly #studio: StudioState;
  #asked = '';
  #significanceQuestions = 0;

  constructor(studio: StudioState) {
    this.#studio = studio;
    this.#client = studio.client;
    this.workspace = studio.workspace;
  }

  /** The one set of runs of all pages; null until it is there. */
  readonly table: IndexedTable | null = $derived.by(() =>
    this.#studio.runs.loaded ? this.#studio.runs.indexed : null,
  );
  /** The chosen runs that are there, in the order in which they were chosen. */
  readonly rows: readonly number[] = $derived.by(() =>
    this.view.runs.flatMap((id) => this.table?.rowOf(id) ?? []),
  );
  /** Of the chosen runs, by row: told apart where several are called the same. */
  readonly names: ReadonlyMap<number, string> = $derived.by(() =>
    this.table === null ? new Map() : distinctNames(this.table, this.rows),
  );
  readonly ids: readonly string[] = $derived.by(() => this.rows.map((row) => this.table!.table.ids[row]!));
  /** A run that is hidden is in no chart; it stays in every figure and in the table. */
  readonly shownRows: readonly number[] = $derived.by(() => {
    const { hidden } = this.workspace;
    return this.rows.filter((row) => !hidden.has(this.table!.table.ids[row]!));
  });
  /** The one of this comparison, else that of the studio, else the first run. */
  readonly baseline: string | null = $derived.by(() => {
    const wanted = [this.view.baseline, this.workspace.baseline].find(
      (id) => id !== null && this.ids.includes(id),
    );
    return wanted ?? this.ids[0] ?? null;
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
      name: this.names.get(row) ?? '',
      ...encoding.ofRow.get(row)!,
      baseline: table.table.ids[row] === baseline,
      difference: this.differing
        .slice(0, MOST_WORDS)
        .map(({ key, kind }) => `${shortName(key)} ${formatCell(kind, table.reader(key)(row))}`)
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
    this.workspace.setHidden([id], !this.workspace.hidden.has(id));
  }

  /** Here and on every other page. */
  setBaseline(id: string): void {
    this.change({ baseline: id });
    this.workspace.setBaseline(id);
  }

  /** What the studio knows of the chosen runs; only when they, or what they are doing, have changed. */
  async load(): Promise<void> {
    const { ids, table } = this;
    if (table === null) return;
    const asked = ids.map((id) => `${id} ${this.#studio.runs.state(id)}`).join(' ');
    if (asked === this.#asked) return;
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
      if (asked !== this.#asked) return;
      this.error = thrown;
    }
  }

  retry(): void {
    this.#asked = '';
    void this.load();
  }

  async loadSignificance(): Promise<void> {
    const { baseline, ids } = this;
    const question = ++this.#significanceQuestions;
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
      // Answers may overtake each other; that to the last question counts.
      if (question === this.#significanceQuestions) this.significance = found;
    } catch (thrown) {
      if (question === this.#significanceQuestions) this.significanceError = thrown;
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
}

/** "hyperparameters.batchSize" is "batch size": a tooltip has no room for full names. */
function shortName(key: string): string {
  const tail = key.slice(key.lastIndexOf('.') + 1);
  return tail.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}
