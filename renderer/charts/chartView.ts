/**
 * @file Runs in the page. One chart on the screen: uPlot gives axes, grid, cursor and dragging; the curves, which have
 * each an x of their own, are drawn into its canvas by ChartPainter.
 */
// Before uPlot, which needs it.
import './validLanguage.ts';
import uPlot from 'uplot';
import { ChartPainter } from './chartPainter.ts';
import { type ChartTheme, onThemeChange, readTheme } from './chartTheme.ts';
import type { DrawnLine } from './drawnLine.ts';
import { type AxisForm, placer, type Range, ticksOf, tickText } from './scales.ts';

export interface ViewAxis {
  readonly form: AxisForm;
  readonly range: Range;
}

export interface Drawing {
  readonly lines: readonly DrawnLine[];
  readonly x: ViewAxis;
  readonly y: ViewAxis;
  readonly showOriginal: boolean;
  readonly highlighted: string | null;
}

export interface CursorPlace {
  readonly x: number;
  /** The value at the height of the pointer. */
  readonly y: number;
  /** Pixels of the page, from the chart's upper left corner. */
  readonly left: number;
  readonly top: number;
}

export interface ViewListener {
  /** Null when the pointer has left. */
  cursorMoved(place: CursorPlace | null): void;
  /** A range was dragged over; null is "everything again". */
  zoomed(range: Range | null): void;
}

const EMPTY: Drawing = {
  lines: [],
  x: { form: 'linear', range: { from: 0, to: 1 } },
  y: { form: 'linear', range: { from: 0, to: 1 } },
  showOriginal: true,
  highlighted: null,
};
/** Pixels that a drag must be long, or it was a click. */
const DRAG_PX = 6;

export class ChartView {
  readonly #element: HTMLElement;
  readonly #listener: ViewListener;
  readonly #painter = new ChartPainter();
  readonly #leaveTheme: () => void;
  #theme: ChartTheme;
  #drawing: Drawing = EMPTY;
  #plot: uPlot;
  #frame = 0;
  #silent = false;

  constructor(element: HTMLElement, listener: ViewListener) {
    this.#element = element;
    this.#listener = listener;
    this.#theme = readTheme(element);
    this.#plot = this.#create();
    this.#leaveTheme = onThemeChange(() => {
      this.#theme = readTheme(element);
      this.#recreate();
    });
  }

  /** Width of the plot in pixels of the page. */
  get plotWidth(): number {
    return this.#plot.over.clientWidth;
  }

  draw(drawing: Drawing): void {
    const before = this.#drawing;
    this.#drawing = drawing;
    this.#painter.keepPaths(drawing.lines, sameRange(before.x, drawing.x) && sameRange(before.y, drawing.y));
    if (before.x.form !== drawing.x.form || before.y.form !== drawing.y.form) this.#recreate();
    else this.#schedule();
  }

  /** Strokes what is there again, with another curve in front. */
  highlight(key: string | null): void {
    if (this.#drawing.highlighted === key) return;
    this.#drawing = { ...this.#drawing, highlighted: key };
    this.#schedule();
  }

  /** Moves the vertical line without telling the listener; null takes it away. */
  showCursorAt(x: number | null): void {
    const { from, to } = this.#drawing.x.range;
    this.#silent = true;
    const left = x === null || x < from || x > to ? -10 : this.#plot.valToPos(x, 'x');
    this.#plot.setCursor({ left, top: left < 0 ? -10 : 0 }, false);
    this.#silent = false;
  }

  leftOf(x: number): number {
    return this.#plot.valToPos(x, 'x') + this.#plot.bbox.left / uPlot.pxRatio;
  }

  resize(width: number, height: number): void {
    if (width <= 0 || (width === this.#plot.width && height === this.#plot.height)) return;
    this.#painter.forgetPaths();
    this.#plot.setSize({ width, height });
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#leaveTheme();
    this.#plot.destroy();
  }

  /** However much has changed, one drawing a frame. */
  #schedule(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#apply();
    });
  }

  #apply(): void {
    const { x, y } = this.#drawing;
    this.#plot.batch(() => {
      this.#plot.setData(
        [
          [x.range.from, x.range.to],
          [null, null],
        ],
        false,
      );
      this.#plot.setScale('x', { min: x.range.from, max: x.range.to });
      this.#plot.setScale('y', { min: y.range.from, max: y.range.to });
    });
  }

  #recreate(): void {
    this.#painter.forgetPaths();
    this.#plot.destroy();
    this.#plot = this.#create();
  }

  #create(): uPlot {
    const { x, y } = this.#drawing;
    const options: uPlot.Options = {
      width: Math.max(1, this.#element.clientWidth),
      height: Math.max(1, this.#element.clientHeight),
      padding: [8, 16, 0, 0],
      legend: { show: false },
      scales: { x: this.#scale(x), y: this.#scale(y) },
      axes: [this.#axis('x', 90), this.#axis('y', 46)],
      series: [{}, { paths: () => null, points: { show: false } }],
      cursor: {
        points: { show: false },
        y: false,
        drag: { x: true, y: false, setScale: false, dist: DRAG_PX },
        bind: { dblclick: () => () => this.#zoomOut() },
      },
      hooks: {
        draw: [(plot) => this.#paint(plot)],
        setCursor: [(plot) => this.#cursorMoved(plot)],
        setSelect: [(plot) => this.#selected(plot)],
      },
    };
    return new uPlot(
      options,
      [
        [x.range.from, x.range.to],
        [null, null],
      ],
      this.#element,
    );
  }

  #scale({ form, range }: ViewAxis): uPlot.Scale {
    return {
      time: false,
      auto: false,
      distr: form === 'log' ? 3 : 1,
      min: range.from,
      max: range.to,
      range: (_, min, max) => [min, max],
    };
  }

  #axis(which: 'x' | 'y', spacePx: number): uPlot.Axis {
    const { quiet, grid, font } = this.#theme;
    const axis = () => this.#drawing[which];
    return {
      scale: which,
      stroke: quiet,
      font,
      size: which === 'x' ? 28 : 52,
      gap: 6,
      grid: { stroke: grid, width: 1 },
      ticks: { show: false },
      splits: (plot) => {
        const length = which === 'x' ? plot.bbox.width : plot.bbox.height;
        return ticksOf(axis().form, axis().range, length / uPlot.pxRatio / spacePx);
      },
      filter: (_plot, splits) => splits,
      values: (_plot, splits) => splits.map((value) => tickText(axis().form, value, axis().range)),
    };
  }

  #paint(plot: uPlot): void {
    const { lines, x, y, showOriginal, highlighted } = this.#drawing;
    const { left, top, width, height } = plot.bbox;
    this.#painter.paint(plot.ctx, lines, {
      theme: this.#theme,
      placing: {
        toX: placer(x.range, x.form === 'log', [left, left + width]),
        toY: placer(y.range, y.form === 'log', [top + height, top]),
        visible: x.range,
      },
      box: { left, top, width, height },
      ratio: uPlot.pxRatio,
      showOriginal,
      highlighted,
    });
  }

  #cursorMoved(plot: uPlot): void {
    if (this.#silent) return;
    const { left = -1, top = -1 } = plot.cursor;
    if (left < 0 || top < 0) {
      this.#listener.cursorMoved(null);
      return;
    }
    this.#listener.cursorMoved({
      x: plot.posToVal(left, 'x'),
      y: plot.posToVal(top, 'y'),
      left: left + plot.bbox.left / uPlot.pxRatio,
      top: top + plot.bbox.top / uPlot.pxRatio,
    });
  }

  #selected(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < DRAG_PX) return;
    const range = { from: plot.posToVal(left, 'x'), to: plot.posToVal(left + width, 'x') };
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#listener.zoomed(range);
  }

  #zoomOut(): null {
    this.#listener.zoomed(null);
    return null;
  }
}

function sameRange(one: ViewAxis, other: ViewAxis): boolean {
  return one.form === other.form && one.range.from === other.range.from && one.range.to === other.range.to;
}
