/**
 * @file Runs in the page. The curves of one chart: asked for once, kept, and continued by live points, so that nothing is
 * sent twice. One question is under way at a time; when it is answered, only the newest wish counts.
 */
import type { EventBatch, StudioEvent } from '../../shared/contract/events.ts';
import { type Axis, cursorOf, RAW_POINTS } from '../../shared/contract/series.ts';
import { errorData, errorFromData, type StudioError } from '../../shared/errors.ts';
import type { MetricName, MetricPoint } from '../../shared/runs.ts';
import type { Client } from '../api/client.ts';
import { LineBuffer } from './lineBuffer.ts';
import type { Range } from './scales.ts';

export interface LinesWish {
  readonly metric: MetricName;
  readonly runs: readonly string[];
  readonly axis: Axis;
  /** Null is the whole curve. */
  readonly range: Range | null;
  readonly buckets: number;
}

/** Curves of one metric on one axis, whole or of one range. A null line: the run has no point yet. */
interface Sheet {
  readonly key: string;
  readonly range: Range | null;
  readonly lines: Map<string, LineBuffer | null>;
}

/** Zoomed parts that are kept for going back. */
const MOST_WINDOWS = 6;

export class SeriesStore {
  readonly #client: Client;
  readonly #onChange: () => void;
  readonly #windows = new Map<string, Sheet>();
  readonly #gaps = new Map<string, number[]>();
  /** Points that came while their run's curve was on its way. */
  readonly #early = new Map<string, MetricPoint[]>();
  /** Start of a run's curve by the clock, for the axis of relative time. */
  readonly #startMs = new Map<string, number>();
  /** Runs whose answer, still on its way, is out of date already. */
  readonly #outdated = new Set<string>();
  #wish: LinesWish | null = null;
  #whole: Sheet | null = null;
  #asking = false;
  #error: StudioError | null = null;

  constructor(client: Client, onChange: () => void) {
    this.#client = client;
    this.#onChange = onChange;
  }

  /** True until everything that was asked for is there, or could not be had. */
  get loading(): boolean {
    return this.#asking;
  }

  get error(): StudioError | null {
    return this.#error;
  }

  /** The whole curve, or null when the run has none or it is not there yet. */
  whole(run: string): LineBuffer | null {
    return this.#whole?.lines.get(run) ?? null;
  }

  /** The part in view in full detail; the whole curve until it is there. */
  inView(run: string): LineBuffer | null {
    const range = this.#wish?.range ?? null;
    if (range === null) return this.whole(run);
    return this.#windows.get(windowKey(range))?.lines.get(run) ?? this.whole(run);
  }

  gaps(run: string): readonly number[] {
    return this.#gaps.get(run) ?? [];
  }

  ask(wish: LinesWish): void {
    const key = `${wish.metric} ${wish.axis} ${wish.buckets}`;
    if (this.#whole?.key !== key) {
      this.#whole = { key, range: null, lines: new Map() };
      this.#forgetWindows();
      if (this.#wish?.metric !== wish.metric || this.#wish.axis !== wish.axis) this.#gaps.clear();
    }
    this.#wish = wish;
    this.#error = null;
    void this.#work();
  }

  /** Asks once more for what could not be had. */
  retry(): void {
    this.#error = null;
    void this.#work();
  }

  /** Everything is asked for anew: the studio cannot say what was missed. */
  reset(): void {
    if (this.#asking) for (const run of this.#wish?.runs ?? []) this.#outdated.add(run);
    this.#whole?.lines.clear();
    this.#forgetWindows();
    void this.#work();
  }

  take({ events }: EventBatch): void {
    let changed = false;
    for (const event of events) changed = this.#takeEvent(event) || changed;
    if (changed) this.#onChange();
  }

  #takeEvent(event: StudioEvent): boolean {
    if (event.kind === 'reset') this.reset();
    else if (event.kind === 'pointsDropped') this.#dropAfter(event.run, event.afterStep);
    else if (event.kind === 'points' && this.#wish?.runs.includes(event.run) === true)
      return this.#append(event.run, event.points);
    return false;
  }

  #append(run: string, all: readonly MetricPoint[]): boolean {
    const points = all.filter(({ metric }) => metric === this.#wish?.metric);
    if (points.length === 0) return false;
    if (this.#whole?.lines.has(run) !== true || this.#needsStart(run, points[0]!)) {
      this.#early.set(run, [...(this.#early.get(run) ?? []), ...points]);
      void this.#work();
      return false;
    }
    return this.#appendTo(run, points);
  }

  #appendTo(run: string, points: readonly MetricPoint[]): boolean {
    const { lines } = this.#whole!;
    const line = lines.get(run) ?? emptyLine(run);
    lines.set(run, line);
    let changed = false;
    for (const point of points) {
      const x = this.#placeOf(run, point);
      const cursor = cursorOf(point);
      if (!line.append(x, point.value, cursor)) continue;
      changed = true;
      for (const { range, lines: parts } of this.#windows.values())
        if (range !== null && x >= range.from && x <= range.to)
          parts.get(run)?.append(x, point.value, cursor);
    }
    return changed;
  }

  #placeOf(run: string, { step, epoch, atMs }: MetricPoint): number {
    const axis = this.#wish!.axis;
    if (axis === 'step') return step;
    if (axis === 'epoch') return epoch;
    return axis === 'time' ? atMs : (atMs - this.#startMs.get(run)!) / 1000;
  }

  /** On the axis of relative time, a curve that was sent without clock times must be asked when it began. */
  #needsStart(run: string, first: MetricPoint): boolean {
    if (this.#wish!.axis !== 'relative' || this.#startMs.has(run)) return false;
    if (this.#whole!.lines.get(run) !== null) return true;
    this.#startMs.set(run, first.atMs);
    return false;
  }

  /** A resumed run computes its last steps again: the rest of the curve is asked for, and the place is marked. */
  #dropAfter(run: string, afterStep: number): void {
    this.#early.delete(run);
    for (const { lines } of this.#windows.values()) lines.delete(run);
    const line = this.#whole?.lines.get(run);
    if (this.#asking) this.#outdated.add(run);
    if (line === undefined) return;
    this.#whole!.lines.delete(run);
    if (line !== null && this.#wish?.axis === 'step')
      this.#gaps.set(run, [...this.gaps(run).filter((gap) => gap < afterStep), afterStep]);
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      while (await this.#fetchNext());
    } catch (thrown) {
      this.#error = errorFromData(errorData(thrown));
    } finally {
      this.#asking = false;
      this.#onChange();
    }
  }

  /** @returns false when nothing is missing. */
  async #fetchNext(): Promise<boolean> {
    const wish = this.#wish;
    const whole = this.#whole;
    if (wish === null || whole === null) return false;
    const missing = wish.runs.filter((run) => !whole.lines.has(run));
    if (missing.length > 0) {
      await this.#fetch(wish, whole, missing);
      return true;
    }
    if (await this.#fetchStarts(wish)) return true;
    if (wish.range === null) return false;
    const part = this.#window(wish.range);
    // A curve that is held point by point has nothing more to show.
    const coarse = wish.runs.filter((run) => !part.lines.has(run) && whole.lines.get(run)?.bucketed === true);
    if (coarse.length === 0) return false;
    await this.#fetch(wish, part, coarse);
    return true;
  }

  async #fetch(wish: LinesWish, sheet: Sheet, runs: readonly string[]): Promise<void> {
    const lines = await this.#client.request('series/lines', {
      metric: wish.metric,
      runs: [...runs],
      axis: wish.axis,
      range: sheet.range,
      buckets: wish.buckets,
    });
    const found = new Map(lines.map((line) => [line.run, line]));
    for (const run of runs) {
      const line = found.get(run);
      if (this.#outdated.delete(run)) continue;
      sheet.lines.set(run, line === undefined ? null : new LineBuffer(line));
    }
    // What came in between belongs to the newest sheet only; an older one is gone already.
    if (sheet === this.#whole) for (const run of runs) this.#takeEarly(run);
    this.#onChange();
  }

  #takeEarly(run: string): void {
    const points = this.#early.get(run);
    if (points === undefined || this.#needsStart(run, points[0]!)) return;
    this.#early.delete(run);
    this.#appendTo(run, points);
  }

  async #fetchStarts(wish: LinesWish): Promise<boolean> {
    const runs = wish.runs.filter((run) => this.#early.has(run) && !this.#startMs.has(run));
    if (wish.axis !== 'relative' || runs.length === 0) return false;
    const lines = await this.#client.request('series/lines', {
      metric: wish.metric,
      runs,
      axis: 'time',
      range: null,
      buckets: 10,
    });
    for (const run of runs) {
      const startMs = lines.find((line) => line.run === run)?.xExtent?.[0];
      this.#startMs.set(run, startMs ?? this.#early.get(run)![0]!.atMs);
      this.#takeEarly(run);
    }
    return true;
  }

  #window(range: Range): Sheet {
    const key = windowKey(range);
    const known = this.#windows.get(key);
    if (known !== undefined) return known;
    if (this.#windows.size >= MOST_WINDOWS) this.#windows.delete(this.#windows.keys().next().value!);
    const sheet: Sheet = { key, range, lines: new Map() };
    this.#windows.set(key, sheet);
    return sheet;
  }

  #forgetWindows(): void {
    this.#windows.clear();
    this.#early.clear();
    this.#startMs.clear();
  }
}

function windowKey({ from, to }: Range): string {
  return `${from} ${to}`;
}

function emptyLine(run: string): LineBuffer {
  return new LineBuffer({ run, kind: 'raw', x: [], y: [], total: 0, cursor: -1, xExtent: null });
}

/** Buckets for a plot of a width: one a pixel for a few curves, one each two pixels for many, in steps of fifty. */
export function bucketsFor(widthPx: number, runs: number): number {
  const wanted = runs > 40 ? widthPx / 2 : widthPx;
  return Math.min(RAW_POINTS, Math.max(100, Math.ceil(wanted / 50) * 50));
}
