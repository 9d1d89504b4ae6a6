/** @file Runs in the page. What LineChart shows, as state that follows from runs, settings, zoom and what is held. */
import type { Axis } from '../../shared/contract/series.ts';
import type { StudioError } from '../../shared/errors.ts';
import type { MetricName } from '../../shared/runs.ts';
import type { Client } from '../api/client.ts';
import type { Figure } from '../figures/figure.ts';
import { metricKind, metricName } from '../table/columnNames.ts';
import { formatDuration, formatNumber, formatValue } from '../table/format.ts';
import {
  type ChartGroup,
  type ChartRun,
  extentsOf,
  groupDrawnLine,
  type HeldCurve,
  horizontalForm,
  runLine,
  summarySentence,
  verticalForm,
} from './chartLines.ts';
import { AXIS_NAMES, type ChartSettings } from './chartSettings.ts';
import type { ViewAxis } from './chartView.ts';
import type { DrawnLine } from './drawnLine.ts';
import { GroupSource } from './groupSource.svelte.ts';
import { horizontalRange, type Range, valueRange } from './scales.ts';
import { SeriesSource } from './seriesSource.svelte.ts';
import { bucketsFor } from './seriesStore.ts';

export interface LineChartWish {
  readonly metric: MetricName;
  readonly runs: readonly ChartRun[];
  /** Means over groups instead of single curves; null draws the runs. */
  readonly groups: readonly ChartGroup[] | null;
  readonly settings: ChartSettings;
}

const clock = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
const NOTHING: Range = { from: 0, to: 1 };

export class LineChartModel {
  readonly series: SeriesSource;
  readonly groups: GroupSource;
  zoom: Range | null = $state.raw(null);
  plotWidth = $state(0);
  readonly #wish: () => LineChartWish;
  #drawn = new Map<
    string,
    { run: ChartRun; curve: HeldCurve; points: number; settings: ChartSettings; line: DrawnLine }
  >();

  /** The wish is read where it is needed, so that what follows from it stays up to date. */
  constructor(client: Client, wish: () => LineChartWish) {
    this.series = new SeriesSource(client);
    this.groups = new GroupSource(client);
    this.#wish = wish;
  }

  get grouped(): boolean {
    return this.#wish().groups !== null;
  }

  /** Means are taken at steps or epochs: two runs are never measured at the same moment. */
  readonly axis: Axis = $derived.by(() => {
    const { settings, groups } = this.#wish();
    if (groups === null || settings.axis === 'step') return settings.axis;
    return 'epoch';
  });

  readonly #settings: ChartSettings = $derived.by(() => ({ ...this.#wish().settings, axis: this.axis }));

  readonly lines: readonly DrawnLine[] = $derived.by(() => {
    const { runs, groups } = this.#wish();
    if (groups !== null) {
      const byKey = new Map(groups.map((group) => [group.key, group]));
      return this.groups.lines.flatMap((line) => {
        const group = byKey.get(line.key);
        return group === undefined ? [] : groupDrawnLine(group, line);
      });
    }
    void this.series.version;
    return runs.flatMap((run) => this.#lineOf(run) ?? []);
  });

  readonly wholeX: Range = $derived.by(
    () =>
      horizontalRange(
        this.grouped
          ? this.lines.map(({ points }) => points)
          : this.lines.map(({ key, points }) => this.series.curve(key)?.whole ?? points),
        this.#settings.xLog,
      ) ?? NOTHING,
  );

  readonly x: ViewAxis = $derived({ form: horizontalForm(this.#settings), range: this.zoom ?? this.wholeX });

  readonly y: ViewAxis = $derived.by(() => {
    const { metric, settings } = this.#wish();
    const range = valueRange(extentsOf(this.lines), {
      visible: this.zoom,
      ignoreOutliers: settings.ignoreOutliers,
      log: settings.yLog,
    });
    return { form: verticalForm(metric, settings), range };
  });

  readonly summary: string = $derived.by(() =>
    summarySentence(metricName(this.#wish().metric), this.lines, AXIS_NAMES[this.axis], (value) =>
      this.valueText(value),
    ),
  );

  readonly loading: boolean = $derived.by(() => (this.grouped ? this.groups.loading : this.series.loading));
  readonly error: StudioError | null = $derived.by(() =>
    this.grouped ? this.groups.error : this.series.error,
  );

  /** To be called in an effect: asks for what is missing. */
  ask(): void {
    const { metric, runs, groups, settings } = this.#wish();
    if (this.plotWidth <= 0) return;
    const { axis } = this;
    if (groups === null) {
      const buckets = bucketsFor(this.plotWidth, runs.length);
      this.series.ask({ metric, runs: runs.map(({ id }) => id), axis, range: this.zoom, buckets });
    } else if (axis === 'step' || axis === 'epoch') {
      const asked = groups.map(({ key, runs: members }) => ({ key, runs: [...members] }));
      this.groups.ask({
        metric,
        groups: asked,
        axis,
        spread: settings.spread,
        buckets: bucketsFor(this.plotWidth, 1),
      });
    }
  }

  retry(): void {
    if (this.grouped) this.groups.retry();
    else this.series.retry();
  }

  /** To be called in an effect; returns how to leave. */
  follow(): () => void {
    const leaves = [this.series.follow(), this.groups.follow()];
    return () => {
      for (const leave of leaves) leave();
    };
  }

  placeText(x: number): string {
    if (this.axis === 'time') return clock.format(x);
    if (this.axis === 'relative') return `${formatDuration(x)} after the start`;
    return `${AXIS_NAMES[this.axis]} ${formatNumber(this.axis === 'step' ? Math.round(x) : Number(x.toPrecision(4)))}`;
  }

  valueText(value: number): string {
    return formatValue(metricKind(this.#wish().metric), value);
  }

  /** Exactly what is seen, for a file. */
  figure(title: string): Figure {
    const { metric, settings } = this.#wish();
    const name = metricName(metric);
    return {
      title,
      x: { ...this.x, name: AXIS_NAMES[this.axis] },
      y: { ...this.y, name: metricKind(metric) === 'percent' ? `${name}, %` : name },
      lines: this.lines,
      showOriginal: settings.showOriginal,
      smoothing: settings.smoothing,
    };
  }

  /** A curve that has not changed keeps its line, so that it is neither smoothed nor traced again. */
  #lineOf(run: ChartRun): DrawnLine | null {
    const curve = this.series.curve(run.id);
    if (curve === null) return null;
    const settings = this.#settings;
    const points = curve.whole.total;
    const known = this.#drawn.get(run.id);
    const same =
      known !== undefined &&
      known.run === run &&
      known.settings === settings &&
      known.points === points &&
      known.curve.whole === curve.whole &&
      known.curve.inView === curve.inView &&
      known.curve.gaps.length === curve.gaps.length;
    if (same) return known.line;
    const line = runLine(run, curve, settings);
    this.#drawn.set(run.id, { run, curve, points, settings, line });
    return line;
  }
}
