/** @file Tests. Order of examples and plans of micro-batches. */
import { describe, expect, it } from 'vitest';
import { epochOrder, planMicroBatches, planShares, stepsPerEpoch } from '../../../main/data/batches.ts';
import type { EncodedSplit } from '../../../main/data/encoding.ts';

/** Pairs of the given lengths; token ids count on, so that every row can be told. */
function split(lengths: readonly number[]): EncodedSplit {
  const offsets = Int32Array.from([
    0,
    ...lengths.map((_, at) => lengths.slice(0, at + 1).reduce((sum, length) => sum + length, 0)),
  ]);
  return {
    pairs: lengths.length,
    ids: Int32Array.from({ length: offsets.at(-1)! }, (_, row) => 100 + row),
    offsets,
    segmentStarts: Int32Array.from(lengths, (length) => length - 1),
    labels: Int32Array.from(lengths, (_, pair) => pair % 3),
    truncatedPairs: 0,
  };
}

describe('epochOrder', () => {
  it('is a permutation decided by seed and epoch', () => {
    const order = epochOrder(1000, 1, 0);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, at) => at));
    expect(epochOrder(1000, 1, 0)).toEqual(order);
    expect(epochOrder(1000, 1, 1)).not.toEqual(order);
    expect(epochOrder(1000, 2, 0)).not.toEqual(order);
  });

  it('puts every pair everywhere equally often', () => {
    const first = new Array<number>(5).fill(0);
    for (let epoch = 0; epoch < 5000; epoch++) first[epochOrder(5, 3, epoch)[0]!]!++;
    for (const count of first) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

it('counts a last, smaller batch as a step', () => {
  expect([stepsPerEpoch(512, 512), stepsPerEpoch(513, 512), stepsPerEpoch(1, 512)]).toEqual([1, 2, 1]);
});

describe('planMicroBatches', () => {
  it('packs pairs by length, without padding, and remembers who they are', () => {
    const members = Int32Array.from([3, 0, 2]);
    const [batch, ...rest] = planMicroBatches(split([4, 9, 3, 5]), members, { microBatchTokens: 100 });
    expect(rest).toEqual([]);
    expect(batch).toEqual({
      pairs: 3,
      rows: 12,
      ids: Int32Array.from([113, 114, 115, 100, 101, 102, 103, 116, 117, 118, 119, 120]),
      segments: Int32Array.from([0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1]),
      positions: Int32Array.from([0, 1, 2, 0, 1, 2, 3, 0, 1, 2, 3, 4]),
      offsets: Int32Array.from([0, 3, 7, 12]),
      // places in the optimizer batch [3, 0, 2]: pair 2 is its third, pair 0 its second, pair 3 its first
      pairIndices: Int32Array.from([2, 1, 0]),
      labels: Int32Array.from([2, 0, 0]),
    });
  });

  it('keeps every micro-batch within its tokens, and every pair in exactly one', () => {
    const lengths = Array.from({ length: 200 }, (_, at) => 4 + ((at * 37) % 60));
    const members = Int32Array.from(lengths.keys());
    const plan = planMicroBatches(split(lengths), members, { microBatchTokens: 128 });
    for (const { rows } of plan) expect(rows).toBeLessThanOrEqual(128);
    const seen = plan.flatMap(({ pairIndices }) => [...pairIndices]).sort((a, b) => a - b);
    expect(seen).toEqual([...members]);
    const inOrder = plan.flatMap(({ offsets, pairs }) =>
      Array.from({ length: pairs }, (_, pair) => offsets[pair + 1]! - offsets[pair]!),
    );
    expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
  });

  it('allows a single pair that is longer than a micro-batch', () => {
    const plan = planMicroBatches(split([100, 5]), Int32Array.from([0, 1]), { microBatchTokens: 64 });
    expect(plan.map(({ rows }) => rows)).toEqual([5, 100]);
  });
});

describe('planShares', () => {
  const lengths = [4, 9, 3, 5, 8, 8, 2, 11, 6, 7];
  const members = Int32Array.from({ length: lengths.length }, (_, at) => at);
  const planned = (workers: number, microBatchTokens = 100) =>
    planShares(split(lengths), members, { workers, microBatchTokens });

  it('is the plan of one worker where there is one', () => {
    expect(planned(1, 12)).toEqual([planMicroBatches(split(lengths), members, { microBatchTokens: 12 })]);
  });

  it('gives every pair to one worker, with its place in the batch, and about as many tokens to each', () => {
    for (const workers of [2, 3, 4]) {
      const shares = planned(workers);
      const places = shares.flat().flatMap(({ pairIndices }) => [...pairIndices]);
      expect(places.toSorted((a, b) => a - b)).toEqual([...members]);
      const tokens = shares.map((share) => share.reduce((sum, { rows }) => sum + rows, 0));
      expect(Math.max(...tokens) - Math.min(...tokens), `${workers} workers`).toBeLessThanOrEqual(4);
    }
  });

  it('packs each share by length and within its tokens', () => {
    for (const share of planned(2, 12))
      for (const { rows, pairs } of share) expect(rows <= 12 || pairs === 1).toBe(true);
    const [first] = planned(2);
    const sizes = [...first![0]!.pairIndices].map((place) => lengths[place]!);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
  });

  it('leaves workers without work where there are too few pairs', () => {
    const shares = planShares(split([4, 5]), Int32Array.of(0, 1), { workers: 3, microBatchTokens: 100 });
    expect(shares.map((share) => share.length)).toEqual([1, 1, 0]);
  });
});
