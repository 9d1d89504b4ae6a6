/** @file Tests. Splits that are made: stratified, and the same wherever they are made. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { assignSplits } from '../../../main/data/splitting.ts';

const SHARES = [0.8, 0.1, 0.1] as const;
const labels = Int32Array.from({ length: 10_000 }, (_, row) => (row % 7 === 0 ? 2 : row % 3 === 0 ? 1 : 0));

function counts(splits: Uint8Array, of: Int32Array | readonly number[], label: number): number[] {
  return [0, 1, 2].map((split) => splits.filter((one, row) => one === split && of[row] === label).length);
}

describe('assignSplits', () => {
  it('keeps rows of one pair together, deals distinct pairs by the shares, and the same again', () => {
    // Pair p stands in rows p and p + 500, the second time with another label.
    const labels = Array.from({ length: 1000 }, (_, row) => (row + Math.floor(row / 500)) % 2);
    const firstRows = labels.map((_, row) => row % 500);
    const options = { seed: 5, shares: SHARES, firstRows };
    const splits = assignSplits(labels, options);
    expect([...splits.subarray(500)]).toEqual([...splits.subarray(0, 500)]);
    const pairs = [0, 1, 2].map((split) => splits.subarray(0, 500).filter((one) => one === split).length);
    expect(pairs).toEqual([400, 50, 50]);
    expect(assignSplits(labels, options)).toEqual(splits);
    expect(assignSplits(labels, { ...options, seed: 6 })).not.toEqual(splits);
  });

  it('deals every class out by the shares, to the row', () => {
    const splits = assignSplits(labels, { seed: 1, shares: SHARES });
    for (const label of [0, 1, 2]) {
      const rows = labels.filter((one) => one === label).length;
      for (const [split, count] of counts(splits, labels, label).entries()) {
        expect(Math.abs(count - SHARES[split]! * rows)).toBeLessThan(1);
      }
    }
  });

  it('gives the same splits for the same seed, in this program and in the next', () => {
    const digest = (seed: number) =>
      createHash('sha256')
        .update(assignSplits(labels, { seed, shares: SHARES }))
        .digest('hex')
        .slice(0, 16);
    expect(digest(1)).toBe(digest(1));
    expect(new Set([0, 1, 2, -1, 2 ** 32, 2 ** 32 + 1].map(digest)).size).toBe(6);
    // Whoever changes these changes the splits of everybody's data sets.
    expect([digest(0), digest(42)]).toEqual(['0c722d6d90c2d2c5', '306b1795a1f9fd64']);
  });

  it('has no favourites among the rows', () => {
    const tested = new Float64Array(100);
    for (let seed = 0; seed < 2000; seed++) {
      const splits = assignSplits(Array(100).fill(0), { seed, shares: SHARES });
      for (const [row, split] of splits.entries()) if (split === 2) tested[row]! += 1;
    }
    // Each row is in test 200 times on average; five standard deviations are 67.
    for (const count of tested) expect(Math.abs(count - 200)).toBeLessThan(67);
  });

  it('does not move a class when another one is added', () => {
    const one = assignSplits([0, 0, 0, 0, 0, 0, 0, 0, 0, 0], { seed: 3, shares: SHARES });
    const two = assignSplits([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1], { seed: 3, shares: SHARES });
    expect(two.subarray(0, 10)).toEqual(one);
  });

  it.each([
    [[], [0, 0, 0]],
    [[0], [1, 0, 0]],
    [
      [0, 0],
      [2, 0, 0],
    ],
    [
      [0, 0, 0, 0, 0],
      [4, 1, 0],
    ],
    [Array(15).fill(0), [12, 2, 1]],
  ])('small classes: %j', (rows, expected) => {
    expect(counts(assignSplits(rows, { seed: 0, shares: SHARES }), rows, 0)).toEqual(expected);
  });

  it('takes other shares, and refuses impossible ones', () => {
    expect(
      counts(assignSplits(Array(10).fill(0), { seed: 0, shares: [0.5, 0, 0.5] }), Array(10).fill(0), 0),
    ).toEqual([5, 0, 5]);
    expect(() => assignSplits([0], { seed: 0, shares: [0.5, 0.1, 0.1] })).toThrow(RangeError);
    expect(() => assignSplits([0], { seed: 0, shares: [1.5, -0.5, 0] })).toThrow(RangeError);
    expect(() => assignSplits([0], { seed: Number.NaN, shares: SHARES })).toThrow(RangeError);
  });
});
