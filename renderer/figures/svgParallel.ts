/** @file Runs in the page. Parallel coordinates as an SVG file: axes with names and ticks, lines coloured by a metric. */
import type { ParallelAxis } from '../charts/parallelAxes.ts';
import { PRINT_COLOURS } from './figure.ts';
import { escapeMarkup, isolatedName } from './text.ts';

export interface ParallelFigure {
  readonly title: string;
  readonly axes: readonly ParallelAxis[];
  /** A CSS colour a row, null for a row that is left out by a brush or has no value. */
  readonly colours: readonly (string | null)[];
}

const WIDTH = 960;
const HEIGHT = 360;
const TOP = 60;
const BOTTOM = 24;
const SIDE = 70;
const QUIET_LINE = '#cfcdc7';

export function svgParallel({ title, axes, colours }: ParallelFigure): string {
  const { ink, quiet, paper } = PRINT_COLOURS;
  const step = axes.length < 2 ? 0 : (WIDTH - 2 * SIDE) / (axes.length - 1);
  const x = (at: number) => SIDE + at * step;
  const y = (place: number) => HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM);
  const lines = colours.map((colour, row) => ({ row, colour }));
  // What is left out lies below what is chosen.
  lines.sort((one, other) => Number(one.colour !== null) - Number(other.colour !== null));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="Inter, system-ui, Helvetica, Arial, sans-serif" font-size="11" role="img">
<title>${isolatedName(title)}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="${paper}"/>
<text x="16" y="20" font-size="14" font-weight="600" fill="${ink}">${isolatedName(title)}</text>
<g fill="none">${lines.map(({ row, colour }) => `<path d="${parallelPath(axes, row, x, y)}" stroke="${colour ?? QUIET_LINE}" stroke-opacity="${colour === null ? 0.4 : 0.8}" stroke-width="1.4"/>`).join('')}</g>
${axes
  .map(
    ({ column, ticks }, at) =>
      `<line x1="${x(at)}" x2="${x(at)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" stroke="${quiet}"/><text x="${x(at)}" y="${TOP - 14}" text-anchor="middle" fill="${ink}">${escapeMarkup(column.name)}</text>${ticks.map(({ place, text }) => `<text x="${x(at) + 5}" y="${y(place) + 4}" fill="${quiet}">${escapeMarkup(text)}</text>`).join('')}`,
  )
  .join('\n')}
</svg>`;
}

/** One row's line over the axes; interrupted where it has no value. */
export function parallelPath(
  axes: readonly Pick<ParallelAxis, 'places'>[],
  row: number,
  x: (axis: number) => number,
  y: (place: number) => number,
): string {
  let down = false;
  return axes
    .map(({ places }, at) => {
      const place = places[row]!;
      if (Number.isNaN(place)) {
        down = false;
        return '';
      }
      const command = `${down ? 'L' : 'M'}${x(at).toFixed(1)} ${y(place).toFixed(1)}`;
      down = true;
      return command;
    })
    .join('');
}
