/** @file Runs in the page. A paired difference in words and numbers, the same on the page and in a file. */
import type { PairedDifference } from '../../../shared/contract/compare.ts';
import { formatDelta, formatNumber } from '../../table/format.ts';

export interface SignificanceCells {
  readonly difference: string;
  readonly interval: string;
  readonly p: string;
  readonly onlyRun: string;
  readonly onlyBaseline: string;
  readonly pairs: string;
  /** The interval leaves out 0. */
  readonly clear: 'better' | 'worse' | null;
}

/** Null when the two cannot be compared. */
export function significanceRow(difference: PairedDifference): SignificanceCells | null {
  if (!difference.comparable) return null;
  const { low, high, pValue, onlyRun, onlyBaseline, pairs } = difference;
  return {
    difference: formatDelta('percent', difference.difference),
    interval: `${formatDelta('percent', low)} to ${formatDelta('percent', high)}`,
    p: pText(pValue),
    onlyRun: formatNumber(onlyRun),
    onlyBaseline: formatNumber(onlyBaseline),
    pairs: formatNumber(pairs),
    clear: low > 0 ? 'better' : high < 0 ? 'worse' : null,
  };
}

/** Never "0": a p is at least something. */
function pText(p: number): string {
  if (p < 0.0001) return '< 0.0001';
  return p < 0.001 ? p.toFixed(4) : p.toFixed(3);
}
