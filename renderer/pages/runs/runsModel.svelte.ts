/** @file Runs in the page. The state of the Runs page: how the table is looked at, and what follows from it. */
import type { View } from '../../../shared/contract/views.ts';
import { METRICS, type MetricName } from '../../../shared/runs.ts';
import type { ChartRun } from '../../charts/chartLines.ts';
import type { StudioState } from '../../state/studio.svelte.ts';
import { type Arrangement, arrangeTable, type TableLine } from '../../table/arrangement.ts';
import { measuredColumns, splitSettings } from '../../table/differing.ts';
import { EVERYTHING } from '../../table/filter.ts';
import { parseFilter } from '../../table/filterText.ts';
import { formatCell } from '../../table/format.ts';
import { type Column, type IndexedTable, nameOf } from '../../table/indexedTable.ts';
import { PLAIN_VIEW, type RunsView, readRunsView, USUAL_CHARTS, USUAL_METRICS } from './runsView.ts';

const SAVE_MS = 800;
const MOST_WORDS = 3;
/** With more settings than these, a table is no longer read. */
const MOST_SETTINGS = 8;

export class RunsModel {
  readonly studio: StudioState;
  view: RunsView = $state.raw(PLAIN_VIEW);
  views: readonly View[] = $state.raw([]);
  expanded: ReadonlySet<string> = $state.raw(new Set());
  /** Place of the line that the keys move. */
  cursor = $state(0);
  #opened = false;
  /** What somebody has changed before the view of last time was here. */
  #early: Partial<RunsView> = {};
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(studio: StudioState) {
    this.studio = studio;
  }

  readonly table: IndexedTable = $derived.by(() => this.studio.runs.indexed);
  readonly parsed = $derived.by(() => parseFilter(this.view.filter, this.table.columns));
  readonly pinned: readonly string[] = $derived.by(() => {
    const { baseline, pins } = this.studio.workspace;
    return baseline === null ? pins : [baseline, ...pins.filter((id) => id !== baseline)];
  });
  readonly arrangement: Arrangement = $derived.by(() =>
    arrangeTable(
      this.table,
      {
        filter: this.parsed.ok ? this.parsed.filter : EVERYTHING,
        sort: this.view.sort,
        groupBy: this.view.groupBy,
        foldReplicates: this.view.foldReplicates,
        expanded: this.expanded,
        pinned: this.pinned,
        showArchived: this.view.showArchived,
        hideFailed: this.view.hideFailed,
      },
      Date.now(),
    ),
  );
  /** Pinned runs on top, then the others; a pinned run that stands within a group or replicates is there as well. */
  readonly lines: readonly TableLine[] = $derived.by(() => {
    const { pinned, lines } = this.arrangement;
    if (pinned.length === 0) return lines;
    const above = new Set(pinned.flatMap((line) => (line.kind === 'run' ? [line.row] : [])));
    return [
      ...pinned,
      ...lines.filter((line) => line.kind !== 'run' || line.depth > 0 || !above.has(line.row)),
    ];
  });
  readonly pinnedLines: number = $derived.by(() => this.arrangement.pinned.length);
  readonly split = $derived.by(() =>
    splitSettings(this.table, this.arrangement.rows, this.view.foldReplicates),
  );
  readonly settings: readonly Column[] = $derived.by(() => {
    const { settings } = this.view;
    if (settings !== null) return settings.flatMap((key) => this.table.column(key) ?? []);
    return this.split.differing.slice(0, MOST_SETTINGS);
  });
  readonly measured: readonly Column[] = $derived.by(() =>
    measuredColumns(this.table, this.arrangement.rows),
  );
  readonly metrics: readonly Column[] = $derived.by(() => {
    const wanted = this.view.metrics ?? USUAL_METRICS;
    return wanted.flatMap((key) => this.measured.find((column) => column.key === key) ?? []);
  });
  readonly charts: readonly MetricName[] = $derived.by(() => {
    const measured = new Set(this.measured.map(({ key }) => key));
    const wanted = this.view.charts ?? USUAL_CHARTS;
    return wanted.filter((metric) => measured.has(metric));
  });
  /** Rows of the runs whose curves are drawn: of the table, without those that are hidden. */
  readonly visible: readonly number[] = $derived.by(() => {
    const { hidden } = this.studio.workspace;
    const { ids } = this.table.table;
    const pinned = this.arrangement.pinned.flatMap((line) => (line.kind === 'run' ? [line.row] : []));
    const rows = pinned.length === 0 ? this.arrangement.rows : [...pinned, ...this.arrangement.rows];
    const first = new Set(pinned);
    return rows.filter((row, at) => !hidden.has(ids[row]!) && (at < pinned.length || !first.has(row)));
  });

  /** How the run of a row is drawn; `differing` is what tells the drawn ones apart. */
  chartRun(row: number, differing: readonly Column[]): ChartRun {
    const { table } = this.table;
    const id = table.ids[row]!;
    return {
      id,
      name: nameOf(table, row),
      colour: table.colours[row] ?? 0,
      dash: 0,
      baseline: id === this.studio.workspace.baseline,
      difference: differing
        .slice(0, MOST_WORDS)
        .map(({ key, name, kind }) => `${name} ${formatCell(kind, this.table.reader(key)(row))}`)
        .join(' · '),
    };
  }

  async open(): Promise<void> {
    await this.loadViews();
    const last = this.views.find(({ name }) => name === '');
    if (last !== undefined) this.view = { ...readRunsView(last.state), ...this.#early };
    this.#opened = true;
    if (Object.keys(this.#early).length > 0) this.#remember();
  }

  async loadViews(): Promise<void> {
    this.views = await this.studio.client.request('views/list', { page: 'runs' }).catch(() => []);
  }

  change(part: Partial<RunsView>): void {
    this.view = { ...this.view, ...part };
    if (!this.#opened) this.#early = { ...this.#early, ...part };
    this.#remember();
  }

  async saveAs(name: string): Promise<void> {
    await this.studio.client.request('views/save', { page: 'runs', name, state: this.view });
    await this.loadViews();
  }

  /** One more click turns the order, a third takes it away. */
  sortBy(key: string): void {
    const [first] = this.view.sort;
    if (first?.key !== key) this.change({ sort: [{ key, descending: true }] });
    else this.change({ sort: first.descending ? [{ key, descending: false }] : [] });
  }

  toggle(key: string): void {
    const next = new Set(this.expanded);
    if (!next.delete(key)) next.add(key);
    this.expanded = next;
  }

  /** The runs of a line: one, or all of a group or of replicates. */
  idsOf(line: TableLine): string[] {
    const rows = line.kind === 'run' ? [line.row] : line.kind === 'group' ? line.group.rows : line.rows;
    return rows.map((row) => this.table.table.ids[row]!);
  }

  #remember(): void {
    if (!this.#opened) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // How a page looks is not worth an error.
      void this.studio.client
        .request('views/save', { page: 'runs', name: '', state: this.view })
        .catch(() => {});
    }, SAVE_MS);
  }
}

/** Metrics that can be drawn as curves. */
export function isCurve(key: string): key is MetricName {
  return (METRICS as readonly string[]).includes(key);
}
