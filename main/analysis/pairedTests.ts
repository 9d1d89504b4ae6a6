/**
 * @file Runs anywhere. Whether two runs that answered the same questions differ by more than chance: a paired bootstrap
 * and McNemar's exact test. Pure functions.
 */
import { PhiloxSequence } from '../model/philox.ts';
import { binomial, type Uniform } from './binomial.ts';

/** How often both, one or none of two runs was right. */
export interface PairedOutcomes {
  readonly bothRight: number;
  readonly onlyRun: number;
  readonly onlyBaseline: number;
  readonly bothWrong: number;
}

/** `right` and `baselineRight` have a 1 for each pair that was answered rightly. */
export function pairedOutcomes(right: Uint8Array, baselineRight: Uint8Array): PairedOutcomes {
  let [bothRight, onlyRun, onlyBaseline] = [0, 0, 0];
  for (let index = 0; index < right.length; index++) {
    if (right[index] === 1 && baselineRight[index] === 1) bothRight++;
    else if (right[index] === 1) onlyRun++;
    else if (baselineRight[index] === 1) onlyBaseline++;
  }
  return { bothRight, onlyRun, onlyBaseline, bothWrong: right.length - bothRight - onlyRun - onlyBaseline };
}

export interface BootstrapInterval {
  /** Accuracy of the run minus that of the baseline. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 10_000;
const SEED = 1;
/** Keeps these numbers apart from those of training. */
const STREAM = 0x50000000;

/**
 * The difference of accuracies and its 95 % interval: percentiles of 10,000 resamples, the same every time.
 *
 * A resample draws as many pairs as there are, with replacement. All that the difference depends on is how many pairs of
 * each of the four outcomes are drawn, and these counts are multinomial; so they are drawn themselves, as binomials one
 * after another. That is the same distribution, not an approximation, and takes no longer for half a million pairs.
 */
export function bootstrapInterval({
  bothRight,
  onlyRun,
  onlyBaseline,
  bothWrong,
}: PairedOutcomes): BootstrapInterval {
  const pairs = bothRight + onlyRun + onlyBaseline + bothWrong;
  const uniform = uniformNumbers();
  const differences = new Float64Array(RESAMPLES);
  for (let at = 0; at < RESAMPLES; at++) {
    const runAlone = binomial(pairs, onlyRun / pairs, uniform);
    const share = onlyBaseline === 0 ? 0 : onlyBaseline / (pairs - onlyRun);
    differences[at] = (runAlone - binomial(pairs - runAlone, share, uniform)) / pairs;
  }
  differences.sort();
  return {
    difference: (onlyRun - onlyBaseline) / pairs,
    low: percentile(differences, 0.025),
    high: percentile(differences, 0.975),
  };
}

/** 52 bits in the middle of their steps, so that 0 and 1 never come. */
function uniformNumbers(): Uniform {
  const words = new PhiloxSequence(SEED, STREAM);
  return () => ((words.nextWord() >>> 6) * 2 ** 26 + (words.nextWord() >>> 6) + 0.5) / 2 ** 52;
}

/** Between two values linearly, as NumPy has it. */
function percentile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
}

/**
 * Two-sided exact p of McNemar's test: of the pairs on which the two runs differ, how likely is it that a fair coin gives
 * them out as unevenly as this, or more so? The binomial's terms are added up from its middle outwards, each from its
 * neighbour, so that no factorial of a large number is needed. A p below 1e-308 comes out as 0.
 */
export function mcnemar({ onlyRun, onlyBaseline }: Pick<PairedOutcomes, 'onlyRun' | 'onlyBaseline'>): number {
  const discordant = onlyRun + onlyBaseline;
  const fewer = Math.min(onlyRun, onlyBaseline);
  if (2 * fewer === discordant) return 1;
  let term = 1;
  let tail = 0;
  let lowerHalf = 0;
  for (let k = Math.floor((discordant - 1) / 2); k >= 0 && term > 0; k--) {
    lowerHalf += term;
    if (k <= fewer) tail += term;
    term *= k / (discordant - k + 1);
  }
  // The middle term of an even number of pairs stands once in the whole, every other term twice.
  const middle = discordant % 2 === 0 ? (discordant / 2 + 1) / (discordant / 2) : 0;
  return (2 * tail) / (2 * lowerHalf + middle);
}
