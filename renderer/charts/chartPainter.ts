/** @file Runs in the page. Draws curves on a canvas. Paths are kept between drawings: hovering strokes them again only. */
import type { ChartTheme } from './chartTheme.ts';
import {
  BASELINE_DASH,
  DASHES,
  type DrawnLine,
  GAP_RADIUS,
  gapMarks,
  type Placing,
  POINT_RADIUS,
  pointMarks,
  type Spot,
  traceBand,
  tracePoints,
  traceValues,
} from './drawnLine.ts';

export interface Painting {
  readonly theme: ChartTheme;
  readonly placing: Placing;
  /** The plot, in pixels of the canvas. */
  readonly box: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  };
  /** Pixels of the canvas in one of the page. */
  readonly ratio: number;
  readonly showOriginal: boolean;
  readonly highlighted: string | null;
}

interface Paths {
  readonly original: Path2D;
  readonly smoothed: Path2D | null;
  readonly band: Path2D | null;
  readonly marks: Path2D | null;
}

const STEPPED_BACK = 0.14;
const ORIGINAL_BEHIND = 0.22;

export class ChartPainter {
  readonly #paths = new Map<DrawnLine, Paths>();

  /** When sizes have changed. */
  forgetPaths(): void {
    this.#paths.clear();
  }

  /** Keeps what is drawn again in the same place. */
  keepPaths(lines: readonly DrawnLine[], samePlaces: boolean): void {
    if (!samePlaces) this.#paths.clear();
    const drawn = new Set(lines);
    for (const line of this.#paths.keys()) if (!drawn.has(line)) this.#paths.delete(line);
  }

  paint(context: CanvasRenderingContext2D, lines: readonly DrawnLine[], painting: Painting): void {
    const { box, highlighted } = painting;
    const ordered = paintOrder(lines, highlighted);
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.width, box.height);
    context.clip();
    context.lineJoin = 'round';
    for (const line of ordered) this.#paintCurve(context, line, painting);
    context.restore();
    context.save();
    for (const line of ordered) this.#paintMarks(context, line, painting);
    context.restore();
  }

  #paintMarks(context: CanvasRenderingContext2D, line: DrawnLine, painting: Painting): void {
    const { marks } = this.#pathsOf(line, painting);
    if (marks === null) return;
    context.fillStyle = colourOf(line, painting);
    context.globalAlpha = alphaOf(line, painting);
    context.fill(marks);
  }

  #paintCurve(context: CanvasRenderingContext2D, line: DrawnLine, painting: Painting): void {
    const { ratio, highlighted, showOriginal } = painting;
    const { original, smoothed, band } = this.#pathsOf(line, painting);
    const colour = colourOf(line, painting);
    const alpha = alphaOf(line, painting);
    const strong = line.baseline || highlighted === line.key;
    context.strokeStyle = colour;
    context.fillStyle = colour;
    if (band !== null) {
      context.globalAlpha = alpha * 0.16;
      context.fill(band);
    }
    context.setLineDash([]);
    if (smoothed !== null && showOriginal) {
      context.globalAlpha = alpha * ORIGINAL_BEHIND;
      context.lineWidth = ratio;
      context.stroke(original);
    }
    context.globalAlpha = alpha;
    context.lineWidth = (strong ? 2.4 : 1.5) * ratio;
    context.setLineDash(
      (line.baseline ? BASELINE_DASH : (DASHES[line.dash] ?? [])).map((length) => length * ratio),
    );
    context.stroke(smoothed ?? original);
  }

  #pathsOf(line: DrawnLine, painting: Painting): Paths {
    const known = this.#paths.get(line);
    if (known !== undefined) return known;
    const { placing } = painting;
    const original = new Path2D();
    tracePoints(line, placing, original);
    let smoothed: Path2D | null = null;
    if (line.smoothed !== null) {
      smoothed = new Path2D();
      traceValues(line, line.smoothed, placing, smoothed);
    }
    let band: Path2D | null = null;
    if (line.band !== null) {
      band = new Path2D();
      traceBand(line, placing, band);
      band.closePath();
    }
    const paths = { original, smoothed, band, marks: marksOf(line, painting) };
    this.#paths.set(line, paths);
    return paths;
  }
}

/** Few points are marked, and the places where a run was resumed; null where there is nothing to mark. */
function marksOf(line: DrawnLine, { placing, box, ratio }: Painting): Path2D | null {
  const { left, top, width, height } = box;
  const plot = { left, right: left + width, top, bottom: top + height };
  const points = pointMarks(line, placing, plot);
  const gaps = gapMarks(line, placing, plot, ratio);
  if (points.length + gaps.length === 0) return null;
  const marks = new Path2D();
  const circle = ([x, y]: Spot, radius: number) => {
    marks.moveTo(x + radius, y);
    marks.arc(x, y, radius, 0, 2 * Math.PI);
  };
  for (const spot of gaps) circle(spot, GAP_RADIUS * ratio);
  for (const spot of points) circle(spot, POINT_RADIUS * ratio);
  return marks;
}

function colourOf({ colour }: DrawnLine, { theme: { runs } }: Painting): string {
  return runs[colour % runs.length]!;
}

function alphaOf({ key }: DrawnLine, { highlighted }: Painting): number {
  return highlighted === null || highlighted === key ? 1 : STEPPED_BACK;
}

/** The baseline lies over the others, and what is highlighted over all. */
function paintOrder(lines: readonly DrawnLine[], highlighted: string | null): DrawnLine[] {
  const weight = (line: DrawnLine) => (line.key === highlighted ? 2 : line.baseline ? 1 : 0);
  return [...lines].sort((one, other) => weight(one) - weight(other));
}
