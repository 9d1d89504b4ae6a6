/**
 * @file Runs in the page. The points of one curve as they are held for drawing: raw, or in buckets that keep their least
 * and greatest value, so that no spike is lost. Live points are appended; when the buffer is full, neighbours are
 * merged in place, so that it never grows beyond its capacity.
 */
import type { SeriesLine } from '../../shared/contract/series.ts';

/** What a painter reads. Only the first `length` entries count; NaN is a value that is not a number. */
export interface LinePoints {
  readonly length: number;
  readonly x: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly mean: Float64Array;
  readonly last: Float64Array;
  readonly count: Float64Array;
  /** True when an entry may stand for several points. */
  readonly bucketed: boolean;
}

const ROOM = 1.5;
const SMALLEST_CAPACITY = 2000;

export class LineBuffer implements LinePoints {
  length = 0;
  x: Float64Array;
  min: Float64Array;
  max: Float64Array;
  mean: Float64Array;
  last: Float64Array;
  count: Float64Array;
  bucketed: boolean;
  /** Points of the whole curve, as far as they are known. */
  total: number;
  /** `cursorOf` the newest point: live points up to there are known already. */
  cursor: number;
  #perBucket: number;

  constructor(line: SeriesLine) {
    const { length } = line.x;
    const capacity = Math.max(SMALLEST_CAPACITY, Math.ceil(length * ROOM));
    const held = (values: readonly (number | null)[]) => {
      const array = new Float64Array(capacity);
      for (let at = 0; at < length; at++) array[at] = values[at] ?? Number.NaN;
      return array;
    };
    this.length = length;
    this.x = held(line.x);
    this.bucketed = line.kind === 'buckets';
    this.total = line.total;
    this.cursor = line.cursor;
    if (line.kind === 'raw') {
      // One array under four names until two points have to share an entry.
      this.last = held(line.y);
      this.min = this.last;
      this.max = this.last;
      this.mean = this.last;
      this.count = new Float64Array(capacity).fill(1);
      this.#perBucket = 1;
    } else {
      this.min = held(line.min);
      this.max = held(line.max);
      this.mean = held(line.mean);
      this.last = held(line.last);
      this.count = held(line.count);
      this.#perBucket = line.count.reduce((most, count) => Math.max(most, count), 1);
    }
  }

  /** @returns false for a point that is there already. */
  append(x: number, value: number, cursor: number): boolean {
    if (cursor <= this.cursor) return false;
    this.cursor = cursor;
    this.total++;
    const at = this.length - 1;
    if (this.bucketed && at >= 0 && this.count[at]! < this.#perBucket) this.#add(at, x, value);
    else {
      if (this.length === this.x.length) this.#thin();
      this.#put(this.length++, x, value);
    }
    return true;
  }

  #put(at: number, x: number, value: number): void {
    this.x[at] = x;
    this.min[at] = value;
    this.max[at] = value;
    this.mean[at] = value;
    this.last[at] = value;
    this.count[at] = 1;
  }

  #add(at: number, x: number, value: number): void {
    const count = this.count[at]!;
    this.x[at] = x;
    this.min[at] = least(this.min[at]!, value);
    this.max[at] = greatest(this.max[at]!, value);
    this.mean[at] = weightedMean(this.mean[at]!, count, value, 1);
    this.last[at] = value;
    this.count[at] = count + 1;
  }

  /** Merges each two neighbours: half the entries, every least and greatest value kept. */
  #thin(): void {
    this.#separate();
    const half = Math.ceil(this.length / 2);
    for (let at = 0; at < half; at++) {
      const one = at * 2;
      const other = Math.min(one + 1, this.length - 1);
      this.x[at] = this.x[other]!;
      this.min[at] = least(this.min[one]!, this.min[other]!);
      this.max[at] = greatest(this.max[one]!, this.max[other]!);
      this.last[at] = this.last[other]!;
      if (other === one) {
        this.mean[at] = this.mean[one]!;
        this.count[at] = this.count[one]!;
      } else {
        this.mean[at] = weightedMean(
          this.mean[one]!,
          this.count[one]!,
          this.mean[other]!,
          this.count[other]!,
        );
        this.count[at] = this.count[one]! + this.count[other]!;
      }
    }
    this.length = half;
    this.#perBucket *= 2;
  }

  #separate(): void {
    if (this.bucketed) return;
    this.bucketed = true;
    this.min = this.last.slice();
    this.max = this.last.slice();
    this.mean = this.last.slice();
  }
}

function least(one: number, other: number): number {
  return Number.isNaN(one) ? other : other < one ? other : one;
}

function greatest(one: number, other: number): number {
  return Number.isNaN(one) ? other : other > one ? other : one;
}

function weightedMean(one: number, ofOne: number, other: number, ofOther: number): number {
  if (Number.isNaN(one)) return other;
  return Number.isNaN(other) ? one : (one * ofOne + other * ofOther) / (ofOne + ofOther);
}

/** The first entry at or after `x`; `length` when there is none. */
export function firstAtOrAfter({ x: xs, length }: LinePoints, x: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The entry nearest to `x`; null for an empty curve. */
export function nearestEntry(points: LinePoints, x: number): number | null {
  if (points.length === 0) return null;
  const after = firstAtOrAfter(points, x);
  if (after === 0) return 0;
  if (after === points.length) return points.length - 1;
  return x - points.x[after - 1]! <= points.x[after]! - x ? after - 1 : after;
}
