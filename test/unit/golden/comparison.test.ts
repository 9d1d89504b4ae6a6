/** @file Tests. What an engine's test keeps of its comparisons, and the row of a check that throws. */
import { describe, expect, it } from 'vitest';
import { rowOf } from '../../../main/golden/checks.ts';
import { type Compare, Comparisons, isWithin } from '../../../main/golden/comparison.ts';

function farthestOf(run: (compare: Compare) => void) {
  const comparisons = new Comparisons();
  run(comparisons.compare);
  return comparisons.farthest;
}

describe('the farthest', () => {
  it('is the one that exhausts its own tolerance most', () => {
    const farthest = farthestOf((compare) => {
      compare('coarse', [1.1], [1], 1);
      compare('fine', [1.001], [1], 1e-4);
      compare('finer', [1.00005], [1], 1e-4);
    });
    expect(farthest?.name).toBe('fine');
    expect(isWithin(farthest!)).toBe(false);
  });

  it.each([
    ['no number', [Number.NaN], [1]],
    ['too few', [1], [1, 2]],
    ['infinite', [Number.POSITIVE_INFINITY], [1]],
  ])('is what is %s, before everything', (_, actual, expected) => {
    const farthest = farthestOf((compare) => {
      compare('wrong', [9], [1], 1e-9);
      compare('lost', actual, expected, 1);
      compare('right', [1], [1], 1e-9);
    });
    expect(farthest).toEqual({ name: 'lost', relativeError: null, tolerance: 1 });
    expect(isWithin(farthest!)).toBe(false);
  });

  it('is within a tolerance of nothing only when it is exact', () => {
    expect(isWithin(farthestOf((compare) => compare('count', [3], [3], 0))!)).toBe(true);
    expect(isWithin(farthestOf((compare) => compare('count', [4], [3], 0))!)).toBe(false);
  });
});

describe('the row of a check', () => {
  it('keeps what was compared before a kernel threw', async () => {
    const row = await rowOf({
      golden: 'model_book.json',
      compared: 'everything',
      run: async (compare) => {
        compare('output 0', [1], [1], 1e-5);
        throw new Error('Kernel Erf is not registered');
      },
    });
    expect(row).toMatchObject({ comparisons: 1, farthest: 'output 0', passes: false });
    expect(row.error).toBe('Kernel Erf is not registered');
  });

  it('does not pass when nothing was compared', async () => {
    const row = await rowOf({ golden: 'adam.json', compared: 'nothing', run: async () => {} });
    expect(row).toMatchObject({ comparisons: 0, passes: false, error: null });
  });
});
