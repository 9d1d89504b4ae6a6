/** @file Runs in the page. A chart by keyboard: where the cursor goes, and what range a zoom leaves. */
import type { DrawnLine } from './drawnLine.ts';
import { nearestEntry } from './lineBuffer.ts';
import type { Range } from './scales.ts';

const FAR = 10;

/** The next place of the cursor; null when the key means nothing here. It goes from point to point of the longest curve. */
export function cursorAfterKey(
  key: string,
  {
    lines,
    cursor,
    range,
    far,
  }: {
    readonly lines: readonly DrawnLine[];
    readonly cursor: number | null;
    readonly range: Range;
    readonly far: boolean;
  },
): number | null {
  const longest = lines.reduce<DrawnLine | null>(
    (best, line) => (best === null || line.points.length > best.points.length ? line : best),
    null,
  );
  if (longest === null || longest.points.length === 0) return null;
  const { points } = longest;
  const clamp = (at: number) => points.x[Math.max(0, Math.min(points.length - 1, at))]!;
  const here = nearestEntry(points, cursor ?? range.to)!;
  const step = far ? FAR : 1;
  if (key === 'ArrowLeft') return clamp(here - step);
  if (key === 'ArrowRight') return clamp(here + step);
  if (key === 'Home') return clamp(nearestEntry(points, range.from)!);
  return key === 'End' ? clamp(nearestEntry(points, range.to)!) : null;
}

/** Half the range around the cursor, or twice the range; null is the whole. */
export function rangeAfterKey(
  key: string,
  {
    range,
    whole,
    cursor,
    log,
  }: { readonly range: Range; readonly whole: Range; readonly cursor: number | null; readonly log: boolean },
): Range | null | undefined {
  if (key === 'Escape' || key === '0') return null;
  if (key !== '+' && key !== '=' && key !== '-') return undefined;
  const to = log ? Math.log : (value: number) => value;
  const back = log ? Math.exp : (value: number) => value;
  const [low, high] = [to(range.from), to(range.to)];
  const middle = Math.min(high, Math.max(low, to(cursor ?? back((low + high) / 2))));
  const half = ((high - low) / 4) * (key === '-' ? 4 : 1);
  const from = Math.max(to(whole.from), middle - half);
  const end = Math.min(to(whole.to), middle + half);
  if (key === '-' && from <= to(whole.from) && end >= to(whole.to)) return null;
  return { from: back(from), to: back(end) };
}

/** The curve above or below the highlighted one, by its value at the cursor. */
export function nextCurve(keys: readonly string[], highlighted: string | null, by: 1 | -1): string | null {
  if (keys.length === 0) return null;
  const at = highlighted === null ? -1 : keys.indexOf(highlighted);
  if (at < 0) return keys[by > 0 ? 0 : keys.length - 1]!;
  return keys[(at + by + keys.length) % keys.length]!;
}
