/** @file Runs anywhere. Seeded, stratified splits for data sets that come without any. */
import { SPLITS } from '../../shared/datasets.ts';

/** Shares of train, dev and test; they add up to 1. */
export type Shares = readonly [train: number, dev: number, test: number];

/**
 * A split for every row: 0 train, 1 dev, 2 test. Every class is dealt out by the shares as exactly as whole rows
 * allow (largest remainder, ties to train first), and which rows go where depends on the seed and on the labels
 * alone, so the same file gives the same splits anywhere. Rows of one pair stay together: the pair is dealt once,
 * by its first row's label, and the shares are then those of distinct pairs.
 * @param labels class of each row, counted from 0.
 * @throws RangeError for shares that are negative or do not add up to 1, or a seed that is no safe whole number.
 */
export function assignSplits(
  labels: Int32Array | readonly number[],
  options: {
    readonly seed: number;
    readonly shares: Shares;
    /** For each row the first row of an equal pair, often itself; without it every row is a pair of its own. */
    readonly firstRows?: readonly number[];
  },
): Uint8Array {
  const { seed, shares, firstRows } = options;
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed ${seed} is no whole number`);
  if (shares.some((share) => !(share >= 0)) || Math.abs(shares[0] + shares[1] + shares[2] - 1) > 1e-9) {
    throw new RangeError(`shares ${shares.join(', ')} do not add up to 1`);
  }
  const splits = new Uint8Array(labels.length);
  for (const [label, rows] of rowsByLabel(labels, firstRows)) {
    const order = shuffled(rows, randomIntegers(seed, label));
    const [train, dev] = countsOf(rows.length, shares);
    for (let at = train; at < order.length; at++) splits[order[at]!] = at < train + dev ? 1 : 2;
  }
  firstRows?.forEach((first, row) => {
    splits[row] = splits[first]!;
  });
  return splits;
}

/** Of equal pairs only the first row. */
function rowsByLabel(
  labels: Int32Array | readonly number[],
  firstRows: readonly number[] | undefined,
): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  for (let row = 0; row < labels.length; row++) {
    if (firstRows !== undefined && firstRows[row] !== row) continue;
    const known = rows.get(labels[row]!);
    if (known === undefined) rows.set(labels[row]!, [row]);
    else known.push(row);
  }
  return rows;
}

/** Whole numbers that add up to `rows` and come closest to the shares. */
function countsOf(rows: number, shares: Shares): [train: number, dev: number, test: number] {
  const counts = shares.map((share) => Math.floor(share * rows + 1e-9));
  const remainders = shares.map((share, split) => share * rows - counts[split]!);
  const byRemainder = SPLITS.map((_, split) => split).toSorted(
    (a, b) => remainders[b]! - remainders[a]! || a - b,
  );
  let left = rows - counts.reduce((sum, count) => sum + count, 0);
  for (const split of byRemainder) if (left-- > 0) counts[split]! += 1;
  return [counts[0]!, counts[1]!, counts[2]!];
}

/** Fisher and Yates. `below(n)` gives a whole number from 0 to n - 1. */
function shuffled(rows: readonly number[], below: (limit: number) => number): number[] {
  const order = [...rows];
  for (let last = order.length - 1; last > 0; last--) {
    const other = below(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/**
 * Whole numbers below a limit, without favour for any, from a small generator of 32 bits of state (mulberry32);
 * nobody's safety hangs on it. Each label has a sequence of its own, so a new class does not move the others.
 */
function randomIntegers(seed: number, label: number): (limit: number) => number {
  let state = mixed(mixed(mixed(seed | 0) ^ Math.floor(seed / 2 ** 32)) ^ Math.imul(label + 1, 0x9e3779b9));
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return (bits ^ (bits >>> 14)) >>> 0;
  };
  return (limit) => {
    // Values in the last, incomplete run of `limit` would make small results likelier: draw again.
    const fair = 2 ** 32 - (2 ** 32 % limit);
    let value = next();
    while (value >= fair) value = next();
    return value % limit;
  };
}

/** Spreads the bits of neighbouring seeds apart (the finalizer of MurmurHash3). */
function mixed(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
