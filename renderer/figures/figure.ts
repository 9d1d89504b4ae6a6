/** @file Runs in the page. A figure that leaves the studio: the curves of a chart with axes, colours and legend, as data. */
import type { DrawnLine } from '../charts/drawnLine.ts';
import type { AxisForm, Range } from '../charts/scales.ts';

export interface FigureAxis {
  readonly name: string;
  readonly form: AxisForm;
  readonly range: Range;
}

export interface FigureColours {
  readonly runs: readonly string[];
  readonly ink: string;
  readonly quiet: string;
  readonly grid: string;
  readonly paper: string;
}

export interface Figure {
  readonly title: string;
  readonly x: FigureAxis;
  readonly y: FigureAxis;
  readonly lines: readonly DrawnLine[];
  /** Whether the unsmoothed curve is drawn behind. */
  readonly showOriginal: boolean;
  readonly smoothing: number;
}

/** For print: whatever the theme of the window, a figure is dark on white. */
export const PRINT_COLOURS: FigureColours = {
  runs: ['#3d52d5', '#d9622b', '#0f8a8a', '#b3459b', '#8a6d00', '#4f8ec9', '#7a5c45', '#5f8f2f'],
  ink: '#1d1c1a',
  quiet: '#5d5b55',
  grid: '#e4e3df',
  paper: '#ffffff',
};
