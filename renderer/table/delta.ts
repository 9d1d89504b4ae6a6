/** @file Runs in the page. A value against the baseline's, and whether that is better. */
import type { Better } from './columnNames.ts';

export interface Delta {
  readonly value: number;
  readonly verdict: 'better' | 'worse' | 'same' | 'neither';
}

/** Null when either has no number. `neither` in a column without a direction. */
export function deltaTo(
  baseline: number | null | undefined,
  value: number | null | undefined,
  better: Better | null,
): Delta | null {
  if (typeof baseline !== 'number' || typeof value !== 'number') return null;
  const difference = value - baseline;
  if (!Number.isFinite(difference)) return null;
  if (difference === 0) return { value: 0, verdict: 'same' };
  if (better === null) return { value: difference, verdict: 'neither' };
  return { value: difference, verdict: difference > 0 === (better === 'higher') ? 'better' : 'worse' };
}
