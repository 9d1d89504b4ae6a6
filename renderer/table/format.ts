/** @file Runs in the page. Values as a person reads them: the precision that the measurement deserves, tabular, pure. */
import type { ColumnKind } from './columnNames.ts';
import type { Cell } from './indexedTable.ts';

export const MISSING = '–';
const MINUS = '−';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const dayAndTime = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});

/** 1234 -> "1,234", 0.00003 -> "3e-5", 0.51234 -> "0.5123". */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : `${MINUS}∞`;
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e15) return shortExponent(value);
  if (Number.isInteger(value) || size >= 1000) return minus(whole.format(value));
  return minus(String(Number(value.toPrecision(4))));
}

function shortExponent(value: number): string {
  const [digits = '', exponent = ''] = value.toExponential(3).split('e');
  return minus(`${Number(digits)}e${exponent.replace('+', '')}`);
}

function minus(text: string): string {
  return text.startsWith('-') ? MINUS + text.slice(1) : text;
}

/** A share as percent with one decimal, without the sign: 0.8193 -> "81.9". */
export function formatPercent(share: number): string {
  return Number.isFinite(share) ? minus((share * 100).toFixed(1)) : formatNumber(share);
}

export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return MISSING;
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${minus(unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1))} ${units[unit]}`;
}

/** Three decimals, as the losses of a training are told apart by; more digits only where it is nearly 0. */
function formatLoss(loss: number): string {
  const size = Math.abs(loss);
  return size >= 0.001 && size < 100 ? minus(loss.toFixed(3)) : formatNumber(loss);
}

/** A number of a column; text columns never come here. */
export function formatValue(kind: ColumnKind, value: number): string {
  if (kind === 'percent') return formatPercent(value);
  if (kind === 'loss') return formatLoss(value);
  if (kind === 'duration') return formatDuration(value);
  if (kind === 'bytes') return formatBytes(value);
  return kind === 'time' ? dayAndTime.format(value) : formatNumber(value);
}

export function formatCell(kind: ColumnKind, cell: Cell): string {
  if (cell === null || cell === '') return MISSING;
  if (typeof cell === 'number') return formatValue(kind, cell);
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return typeof cell === 'string' ? cell : cell.length === 0 ? MISSING : cell.join(', ');
}

/** Mean ± sample deviation: "81.9 ± 0.2". With one value there is no deviation to tell. */
export function formatMean(kind: ColumnKind, mean: number, deviation: number | null): string {
  const text = formatValue(kind, mean);
  if (deviation === null) return text;
  if (kind === 'percent') return `${text} ± ${formatPercent(deviation)}`;
  if (kind === 'duration' || kind === 'bytes' || kind === 'loss')
    return `${text} ± ${formatValue(kind, deviation)}`;
  return `${text} ± ${formatNumber(Number(deviation.toPrecision(2)))}`;
}

/** A difference with its sign: "+3.3", "−0.5", "±0" when nothing would be seen of it. */
export function formatDelta(kind: ColumnKind, delta: number): string {
  if (!Number.isFinite(delta)) return MISSING;
  const size = deltaSize(kind, Math.abs(delta));
  if (delta === 0 || Number(size) === 0) return '±0';
  return `${delta > 0 ? '+' : MINUS}${size}`;
}

/** As many digits as the values beside it have: a difference is no more precise than they are. */
function deltaSize(kind: ColumnKind, size: number): string {
  if (kind === 'time') return formatDuration(size / 1000);
  if (kind === 'loss' && size < 0.0005) return '0';
  if (kind === 'number') return formatNumber(Number(size.toPrecision(size < 10 ? 2 : 3)));
  return formatValue(kind, size);
}
