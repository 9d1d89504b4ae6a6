/** @file Runs anywhere. Differences between two sets of numbers, gathered as they come. Pure. */
import type { ParityNumbers } from '../../../shared/exports.ts';

const LOWEST_POWER = -9;
const HIGHEST_POWER = 0;

export type GatheredDifferences = Pick<
  ParityNumbers,
  'maxDifference' | 'meanDifference' | 'notFinite' | 'histogram'
>;

export class Differences {
  #count = 0;
  #sum = 0;
  #largest = 0;
  #notFinite = 0;
  /** One for each power of ten, those below the lowest in the first. */
  readonly #buckets = new Array<number>(HIGHEST_POWER - LOWEST_POWER + 2).fill(0);

  /** @param ours finite numbers; `theirs` has as many. */
  add(ours: ArrayLike<number>, theirs: ArrayLike<number>): void {
    for (let at = 0; at < ours.length; at++) {
      const difference = Math.abs(ours[at]! - theirs[at]!);
      if (!Number.isFinite(difference)) {
        this.#notFinite += 1;
        continue;
      }
      this.#count += 1;
      this.#sum += difference;
      this.#largest = Math.max(this.#largest, difference);
      this.#buckets[bucketOf(difference)]! += 1;
    }
  }

  get largest(): number {
    return this.#notFinite > 0 ? Number.POSITIVE_INFINITY : this.#largest;
  }

  summary(): GatheredDifferences {
    return {
      maxDifference: this.#largest,
      meanDifference: this.#count === 0 ? 0 : this.#sum / this.#count,
      notFinite: this.#notFinite,
      histogram: this.#buckets.map((count, bucket) => ({ ...edgesOf(bucket), count })),
    };
  }
}

/** Bucket 0 is [0, 1e-9), the last one [1, infinity). */
function bucketOf(difference: number): number {
  let bucket = 0;
  while (bucket <= HIGHEST_POWER - LOWEST_POWER && difference >= powerOfTen(LOWEST_POWER + bucket))
    bucket += 1;
  return bucket;
}

function edgesOf(bucket: number): { from: number; to: number } {
  const from = bucket === 0 ? 0 : powerOfTen(LOWEST_POWER + bucket - 1);
  const isLast = bucket === HIGHEST_POWER - LOWEST_POWER + 1;
  // JSON has no infinity.
  return { from, to: isLast ? Number.MAX_VALUE : powerOfTen(LOWEST_POWER + bucket) };
}

/** Exactly the number that its decimal form means; powers by multiplication are not. */
const powerOfTen = (power: number) => Number(`1e${power}`);
