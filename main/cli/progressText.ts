/** @file Runs anywhere. The live lines of long jobs, as text. Pure functions. */

import { countText, durationText, shareText, sizeText } from './figures.ts';
import { bar } from './tables.ts';

const BAR_WIDTH = 20;

/** A bar and its share in percent. */
export function fractionText(fraction: number): string {
  return `${bar(fraction, BAR_WIDTH).padEnd(BAR_WIDTH, '░')} ${shareText(fraction, 0).padStart(5)}`;
}

function etaText(etaSeconds: number | null): string {
  return etaSeconds === null ? '' : `, ${durationText(etaSeconds)} left`;
}

export interface ImportState {
  readonly phase: string;
  readonly rowsRead: number;
  readonly fraction: number;
  readonly etaSeconds: number | null;
}

export function importProgressText({ phase, rowsRead, fraction, etaSeconds }: ImportState): string {
  return `${phase} ${fractionText(fraction)}  ${countText(rowsRead)} rows${etaText(etaSeconds)}`;
}

export interface DownloadState {
  readonly what: string;
  readonly receivedBytes: number;
  readonly totalBytes: number | null;
  readonly elapsedSeconds: number;
}

/** The time left is by the mean speed so far. */
export function downloadProgressText({
  what,
  receivedBytes,
  totalBytes,
  elapsedSeconds,
}: DownloadState): string {
  if (totalBytes === null || totalBytes === 0) return `${what}  ${sizeText(receivedBytes)}`;
  const fraction = Math.min(1, receivedBytes / totalBytes);
  const etaSeconds =
    fraction > 0.01 && elapsedSeconds > 1 ? (elapsedSeconds * (1 - fraction)) / fraction : null;
  return `${what} ${fractionText(fraction)}  ${sizeText(receivedBytes)} of ${sizeText(totalBytes)}${etaText(etaSeconds)}`;
}
