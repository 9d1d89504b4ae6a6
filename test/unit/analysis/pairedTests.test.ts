/** @file Tests. Intervals and p values against figures that were computed elsewhere. */
import { describe, expect, it } from 'vitest';
import { binomial } from '../../../main/analysis/binomial.ts';
import {
  bootstrapInterval,
  mcnemar,
  type PairedOutcomes,
  pairedOutcomes,
} from '../../../main/analysis/pairedTests.ts';
import { PhiloxSequence } from '../../../main/model/philox.ts';

describe('McNemar', () => {
  // From Python's fractions: 2 * sum(comb(n, i) for i <= k) / 2**n, without any rounding before the last step.
  it.each([
    [5, 1, 0.21875],
    [1, 5, 0.21875],
    [10, 2, 0.03857421875],
    [0, 7, 0.015625],
    [1, 0, 1],
    [59, 121, 4.434449263755176e-6],
    [812, 488, 2.1573709549803053e-19],
    [3000, 3300, 0.00016475607669748032],
  ])('with %i against %i is exact', (onlyRun, onlyBaseline, expected) => {
    expect(mcnemar({ onlyRun, onlyBaseline }) / expected).toBeCloseTo(1, 12);
  });

  it('finds no difference where there is none', () => {
    expect(mcnemar({ onlyRun: 0, onlyBaseline: 0 })).toBe(1);
    expect(mcnemar({ onlyRun: 300_000, onlyBaseline: 300_000 })).toBe(1);
  });

  it('agrees with the normal limit on half a million pairs', () => {
    // z = (30300 - 30000 - 1) / sqrt(60300), two-sided.
    expect(mcnemar({ onlyRun: 30_000, onlyBaseline: 30_300 })).toBeCloseTo(0.22337, 4);
  });
});

describe('the bootstrap', () => {
  it('gives the percentiles that resampling row by row gives', () => {
    const outcomes = { bothRight: 70, onlyRun: 18, onlyBaseline: 3, bothWrong: 9 };
    const slow = resampledRowByRow(outcomes, 20_000);
    const { difference, low, high } = bootstrapInterval(outcomes);
    expect(difference).toBeCloseTo(0.15, 12);
    // Steps of one pair in a hundred: both stand on the same step, or on one beside it.
    expect(Math.abs(low - slow.low)).toBeLessThanOrEqual(0.0101);
    expect(Math.abs(high - slow.high)).toBeLessThanOrEqual(0.0101);
  });

  it('is as wide as theory says for many pairs', () => {
    const outcomes = { bothRight: 7000, onlyRun: 812, onlyBaseline: 488, bothWrong: 1524 };
    const { difference, low, high } = bootstrapInterval(outcomes);
    const deviation = Math.sqrt(((812 + 488) / 9824 - difference ** 2) / 9824);
    expect((high - low) / (2 * 1.959964 * deviation)).toBeCloseTo(1, 1);
    expect((high + low) / 2).toBeCloseTo(difference, 3);
  });

  it('gives the same figures every time, and no width where nothing differs', () => {
    const outcomes = { bothRight: 50, onlyRun: 12, onlyBaseline: 7, bothWrong: 31 };
    expect(bootstrapInterval(outcomes)).toEqual(bootstrapInterval(outcomes));
    expect(bootstrapInterval({ bothRight: 9, onlyRun: 0, onlyBaseline: 0, bothWrong: 1 })).toEqual({
      difference: 0,
      low: 0,
      high: 0,
    });
  });

  it('mirrors when run and baseline change places', () => {
    const there = bootstrapInterval({ bothRight: 500, onlyRun: 120, onlyBaseline: 70, bothWrong: 310 });
    const back = bootstrapInterval({ bothRight: 500, onlyRun: 70, onlyBaseline: 120, bothWrong: 310 });
    expect(back.difference).toBeCloseTo(-there.difference, 12);
    expect(back.low).toBeCloseTo(-there.high, 2);
  });
});

it.each([
  [10, 0.3],
  [40, 0.02],
  [60, 0.5],
  [1000, 0.9],
  [9824, 0.08],
])('binomials of %i and %f come as often as they should', (trials, share) => {
  const words = new PhiloxSequence(7, 1);
  const uniform = () => (words.nextWord() + 0.5) / 2 ** 32;
  const draws = 50_000;
  const counts = new Map<number, number>();
  for (let draw = 0; draw < draws; draw++) {
    const value = binomial(trials, share, uniform);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  let [distance, cells] = [0, 0];
  for (const [value, expected] of probabilities(trials, share).entries()) {
    if (expected * draws < 10) continue;
    distance += ((counts.get(value) ?? 0) - expected * draws) ** 2 / (expected * draws);
    cells++;
  }
  // Chi-squared of so many cells has this mean and deviation.
  expect(distance).toBeLessThan(cells + 5 * Math.sqrt(2 * cells));
});

it('counts the four outcomes of two runs', () => {
  expect(pairedOutcomes(Uint8Array.of(1, 1, 1, 0, 0, 0), Uint8Array.of(1, 0, 0, 1, 0, 0))).toEqual({
    bothRight: 1,
    onlyRun: 2,
    onlyBaseline: 1,
    bothWrong: 2,
  });
});

/** P(k) of the binomial, each from its neighbour. */
function probabilities(trials: number, share: number): number[] {
  const logs = [trials * Math.log1p(-share)];
  for (let k = 1; k <= trials; k++)
    logs.push(logs[k - 1]! + Math.log((trials - k + 1) / k) + Math.log(share / (1 - share)));
  return logs.map(Math.exp);
}

function resampledRowByRow({ bothRight, onlyRun, onlyBaseline, bothWrong }: PairedOutcomes, times: number) {
  const pairs = bothRight + onlyRun + onlyBaseline + bothWrong;
  const rows = Array.from({ length: pairs }, (_, at) =>
    at < onlyRun ? 1 : at < onlyRun + onlyBaseline ? -1 : 0,
  );
  const words = new PhiloxSequence(3, 2);
  const sums = Array.from({ length: times }, () => {
    let sum = 0;
    for (let drawn = 0; drawn < pairs; drawn++) sum += rows[words.nextBelow(pairs)]!;
    return sum / pairs;
  }).sort((one, other) => one - other);
  return { low: sums[Math.round(0.025 * times)]!, high: sums[Math.round(0.975 * times)]! };
}
