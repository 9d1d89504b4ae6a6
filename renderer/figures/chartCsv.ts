/** @file Runs in the page. Exactly what a chart shows, as a table: one line a drawn entry. */
import { tracedPart } from '../charts/drawnLine.ts';
import type { Figure } from './figure.ts';
import { csvText } from './text.ts';

/** Entries that stand for several points tell how many, and their least and greatest value. */
export function chartCsv({ lines, x, y, smoothing }: Figure): string {
  const smoothedName = `smoothed ${smoothing}`;
  const rows: (string | number | null)[][] = [
    ['run', 'id', x.name, y.name, smoothedName, 'min', 'max', 'points', 'band low', 'band high'],
  ];
  const known = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? null : value);
  for (const { points, smoothed, band, key, name } of lines) {
    const [from, to] = tracedPart(points, x.range);
    for (let at = from; at < to; at++) {
      if (points.x[at]! < x.range.from || points.x[at]! > x.range.to) continue;
      rows.push([
        name,
        key,
        points.x[at]!,
        known(points.count[at]! > 1 ? points.mean[at] : points.last[at]),
        known(smoothed?.[at]),
        known(points.min[at]),
        known(points.max[at]),
        points.count[at]!,
        known(band?.low[at]),
        known(band?.high[at]),
      ]);
    }
  }
  return csvText(rows);
}
