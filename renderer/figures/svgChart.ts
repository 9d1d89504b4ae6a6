/** @file Runs in the page. A chart as an SVG file with axes, ticks, labels and legend: a pure function from data to text. */
import {
  BASELINE_DASH,
  DASHES,
  type DrawnLine,
  GAP_RADIUS,
  gapMarks,
  type PathSink,
  type Placing,
  type Plot,
  POINT_RADIUS,
  pointMarks,
  type Spot,
  traceBand,
  tracePoints,
  traceValues,
} from '../charts/drawnLine.ts';
import { placer, ticksOf, tickText } from '../charts/scales.ts';
import type { Figure, FigureAxis, FigureColours } from './figure.ts';
import { PRINT_COLOURS } from './figure.ts';
import { escapeMarkup, isolatedName } from './text.ts';

export interface SvgWish {
  readonly width: number;
  /** Of the plot; the legend comes below it. */
  readonly height: number;
  readonly colours: FigureColours;
}

export const FIGURE_SIZE: SvgWish = { width: 720, height: 380, colours: PRINT_COLOURS };

const MARGIN = { top: 34, right: 16, bottom: 42, left: 58 };
const LEGEND_LINE = 18;
const LEGEND_COLUMN = 230;
const FONT = 'Inter, system-ui, Helvetica, Arial, sans-serif';
/** Longer names are cut in the legend; the CSV has them whole. */
const LONGEST_NAME = 34;

export function svgChart(figure: Figure, wish: SvgWish = FIGURE_SIZE): string {
  const { width, height, colours } = wish;
  const columns = Math.max(1, Math.floor((width - MARGIN.left) / LEGEND_COLUMN));
  const legendHeight = Math.ceil(figure.lines.length / columns) * LEGEND_LINE;
  const whole = height + legendHeight + 8;
  const area = {
    left: MARGIN.left,
    right: width - MARGIN.right,
    top: MARGIN.top,
    bottom: height - MARGIN.bottom,
  };
  const toX = placer(figure.x.range, figure.x.form === 'log', [area.left, area.right]);
  const toY = placer(figure.y.range, figure.y.form === 'log', [area.bottom, area.top]);
  const placing: Placing = { toX, toY, visible: figure.x.range };
  const drawing = { figure, colours, area, placing };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${whole}" viewBox="0 0 ${width} ${whole}" font-family="${FONT}" font-size="11" role="img">`,
    `<title>${isolatedName(figure.title)}</title>`,
    `<rect width="${width}" height="${whole}" fill="${colours.paper}"/>`,
    `<text x="${area.left}" y="20" font-size="14" font-weight="600" fill="${colours.ink}">${isolatedName(figure.title)}</text>`,
    horizontalTicks(drawing),
    verticalTicks(drawing),
    `<clipPath id="plot"><rect x="${area.left}" y="${area.top}" width="${area.right - area.left}" height="${area.bottom - area.top}"/></clipPath>`,
    '<g clip-path="url(#plot)" fill="none" stroke-linejoin="round">',
    ...figure.lines.map((line) => lineMarkup(line, drawing)),
    '</g>',
    `<rect x="${area.left}" y="${area.top}" width="${area.right - area.left}" height="${area.bottom - area.top}" fill="none" stroke="${colours.quiet}" stroke-opacity="0.5"/>`,
    ...figure.lines.map((line) => marks(line, drawing)),
    ...figure.lines.map((line, at) =>
      legendMarkup(line, colours, {
        x: area.left + (at % columns) * LEGEND_COLUMN,
        y: height + 6 + Math.floor(at / columns) * LEGEND_LINE,
      }),
    ),
    '</svg>',
  ].join('\n');
}

interface Drawing {
  readonly figure: Figure;
  readonly colours: FigureColours;
  readonly area: Plot;
  readonly placing: Placing;
}

function ticksWithText({ form, range }: FigureAxis, about: number) {
  return ticksOf(form, range, about).map((value) => ({
    value,
    text: escapeMarkup(tickText(form, value, range)),
  }));
}

function horizontalTicks({ figure: { x }, colours, area, placing }: Drawing): string {
  const ticks = ticksWithText(x, (area.right - area.left) / 90).map(({ value, text }) => {
    const at = short(placing.toX(value));
    return `<line x1="${at}" x2="${at}" y1="${area.top}" y2="${area.bottom + 4}" stroke="${colours.grid}"/><text x="${at}" y="${area.bottom + 17}" text-anchor="middle" fill="${colours.quiet}">${text}</text>`;
  });
  const middle = (area.left + area.right) / 2;
  return `${ticks.join('')}<text x="${middle}" y="${area.bottom + 34}" text-anchor="middle" fill="${colours.ink}">${escapeMarkup(x.name)}</text>`;
}

function verticalTicks({ figure: { y }, colours, area, placing }: Drawing): string {
  const ticks = ticksWithText(y, (area.bottom - area.top) / 50).map(({ value, text }) => {
    const at = short(placing.toY(value));
    return `<line x1="${area.left - 4}" x2="${area.right}" y1="${at}" y2="${at}" stroke="${colours.grid}"/><text x="${area.left - 8}" y="${short(Number(at) + 4)}" text-anchor="end" fill="${colours.quiet}">${text}</text>`;
  });
  const middle = (area.top + area.bottom) / 2;
  return `${ticks.join('')}<text transform="translate(14 ${middle}) rotate(-90)" text-anchor="middle" fill="${colours.ink}">${escapeMarkup(y.name)}</text>`;
}

function lineMarkup(line: DrawnLine, { figure, colours, placing }: Drawing): string {
  const colour = colours.runs[line.colour % colours.runs.length]!;
  const parts: string[] = [];
  if (line.band !== null) {
    const path = pathOf((sink) => traceBand(line, placing, sink));
    if (path !== '') parts.push(`<path d="${path}Z" fill="${colour}" fill-opacity="0.16" stroke="none"/>`);
  }
  const stroke = `stroke="${colour}" stroke-width="${line.baseline ? 2.4 : 1.6}"${dashes(line)}`;
  const original = pathOf((sink) => tracePoints(line, placing, sink));
  if (line.smoothed === null) parts.push(`<path d="${original}" ${stroke}/>`);
  else {
    if (figure.showOriginal) parts.push(`<path d="${original}" stroke="${colour}" stroke-opacity="0.25"/>`);
    const { smoothed } = line;
    parts.push(`<path d="${pathOf((sink) => traceValues(line, smoothed, placing, sink))}" ${stroke}/>`);
  }
  return parts.join('');
}

/** A curve of few points shows where they are; a single point would not be seen without. */
function marks(line: DrawnLine, { colours, area, placing }: Drawing): string {
  const colour = colours.runs[line.colour % colours.runs.length]!;
  const circle = ([x, y]: Spot, radius: number) =>
    `<circle cx="${short(x)}" cy="${short(y)}" r="${radius}" fill="${colour}"/>`;
  return [
    ...gapMarks(line, placing, area).map((spot) => circle(spot, GAP_RADIUS)),
    ...pointMarks(line, placing, area).map((spot) => circle(spot, POINT_RADIUS)),
  ].join('');
}

function legendMarkup(line: DrawnLine, colours: FigureColours, place: { x: number; y: number }): string {
  const colour = colours.runs[line.colour % colours.runs.length]!;
  const name = line.baseline ? `${cut(line.name)} (baseline)` : cut(line.name);
  const y = place.y + 5;
  return `<line x1="${place.x}" x2="${place.x + 26}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="${line.baseline ? 2.4 : 1.6}"${dashes(line)}/><text x="${place.x + 32}" y="${y + 4}" fill="${colours.ink}">${isolatedName(name)}</text>`;
}

/** By whole characters, so that no pair is cut in half. */
function cut(name: string): string {
  const characters = [...name];
  return characters.length > LONGEST_NAME ? `${characters.slice(0, LONGEST_NAME - 1).join('')}…` : name;
}

function dashes({ baseline, dash }: DrawnLine): string {
  const pattern = baseline ? BASELINE_DASH : (DASHES[dash] ?? []);
  return pattern.length === 0 ? '' : ` stroke-dasharray="${pattern.join(' ')}"`;
}

function pathOf(trace: (sink: PathSink) => void): string {
  const commands: string[] = [];
  trace({
    moveTo: (x, y) => commands.push(`M${short(x)} ${short(y)}`),
    lineTo: (x, y) => commands.push(`L${short(x)} ${short(y)}`),
  });
  return commands.join('');
}

/** Hundredths of a pixel; values far outside (a spike that is cut off) stay numbers that programs can read. */
function short(value: number): string {
  return String(Math.round(Math.max(-1e5, Math.min(1e5, value)) * 100) / 100);
}
