/** @file Runs in the page. The book's live plot: loss, training and test accuracy over epochs in one frame, as data. */
import type { MetricName } from '../../shared/runs.ts';
import type { HeldCurve } from './chartLines.ts';
import type { DrawnLine } from './drawnLine.ts';
import type { Range } from './scales.ts';

export interface BookCurve {
  readonly metric: MetricName;
  readonly name: string;
  readonly colour: number;
  /** Index into DASHES: the book draws loss solid, training accuracy dashed, test accuracy dash-dot. */
  readonly dash: number;
}

export const BOOK_CURVES: readonly BookCurve[] = [
  { metric: 'running/loss', name: 'train loss', colour: 0, dash: 0 },
  { metric: 'running/accuracy', name: 'train accuracy', colour: 2, dash: 1 },
  { metric: 'test/accuracy', name: 'test accuracy', colour: 1, dash: 3 },
  { metric: 'dev/accuracy', name: 'dev accuracy', colour: 3, dash: 2 },
];

/** Curves that have points; the dev curve stands in where no test split is evaluated, and beside it where one is. */
export function bookLines(curves: ReadonlyMap<MetricName, HeldCurve>): DrawnLine[] {
  return BOOK_CURVES.flatMap(({ metric, name, colour, dash }): DrawnLine[] => {
    const curve = curves.get(metric);
    if (curve === undefined) return [];
    return [
      {
        key: metric,
        name,
        colour,
        dash,
        baseline: false,
        points: curve.whole,
        smoothed: null,
        band: null,
        gaps: curve.gaps,
      },
    ];
  });
}

/** From 0, as in the book, so that plots can be compared at a glance; as high as the loss was. */
export function bookHeight(lines: readonly DrawnLine[]): Range {
  let highest = 1;
  for (const { points } of lines)
    for (let at = 0; at < points.length; at++) if (points.max[at]! > highest) highest = points.max[at]!;
  return { from: 0, to: highest * 1.05 };
}
