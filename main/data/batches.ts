/**
 * @file Runs anywhere. From an encoded split to optimizer batches and their micro-batches: pairs sorted by length and
 * packed without padding (architecture.md, idea 1). The gradient is that of the whole batch; the plan changes only how
 * much is computed at once.
 */

import type { PackedBatch } from '../model/packedBatch.ts';
import { PhiloxSequence, STREAMS, shuffledOrder } from '../model/philox.ts';
import type { EncodedSplit } from './encoding.ts';

/** The order of an epoch's pairs, decided by (seed, epoch) alone, so that a resumed run goes on where it was. */
export function epochOrder(pairs: number, seed: number, epoch: number): Int32Array {
  return shuffledOrder(pairs, new PhiloxSequence(seed, STREAMS.shuffle, epoch));
}

/** Number of optimizer steps in an epoch; the last batch may be smaller, as in the book's loader. */
export function stepsPerEpoch(pairs: number, batchSize: number): number {
  return Math.ceil(pairs / batchSize);
}

export interface PlanOptions {
  /** A micro-batch ends before its rows would exceed this; one pair is always allowed. */
  readonly microBatchTokens: number;
}

/** `members`: the pairs of one optimizer batch, as indices into the split. -> micro-batches, shortest pairs first. */
export function planMicroBatches(
  split: EncodedSplit,
  members: Int32Array,
  options: PlanOptions,
): PackedBatch[] {
  return planShares(split, members, { ...options, workers: 1 })[0]!;
}

/**
 * The same for several workers, one list each: pairs are dealt out, the longest first, each to whoever has the fewest
 * tokens so far (the first of equals), so that all take about as long.
 */
export function planShares(
  split: EncodedSplit,
  members: Int32Array,
  { workers, ...options }: PlanOptions & { readonly workers: number },
): PackedBatch[][] {
  const lengthOf = lengths(split, members);
  const tokens = new Array<number>(workers).fill(0);
  const shares = Array.from({ length: workers }, (): number[] => []);
  for (const place of placesByLength(lengthOf, members.length).reverse()) {
    const least = tokens.indexOf(Math.min(...tokens));
    tokens[least]! += lengthOf(place);
    shares[least]!.push(place);
  }
  return shares.map((places) => packInOrder(split, members, Int32Array.from(places.reverse()), options));
}

/** Tokens of the pair at a place among the members. */
function lengths({ offsets }: EncodedSplit, members: Int32Array): (place: number) => number {
  return (place) => offsets[members[place]! + 1]! - offsets[members[place]!]!;
}

function placesByLength(lengthOf: (place: number) => number, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, place) => place).sort(
    (a, b) => lengthOf(a) - lengthOf(b) || a - b,
  );
}

/** Pairs at `places` among the members, as many in a micro-batch as fit. */
function packInOrder(
  split: EncodedSplit,
  members: Int32Array,
  places: Int32Array,
  options: PlanOptions,
): PackedBatch[] {
  const lengthOf = lengths(split, members);
  const plans: PackedBatch[] = [];
  let begin = 0;
  while (begin < places.length) {
    let end = begin;
    let rows = 0;
    while (
      end < places.length &&
      (end === begin || rows + lengthOf(places[end]!) <= options.microBatchTokens)
    ) {
      rows += lengthOf(places[end]!);
      end++;
    }
    plans.push(packPairs(split, members, places.subarray(begin, end), rows));
    begin = end;
  }
  return plans;
}

/** `places`: positions inside `members`, which are the pair indices that dropout counts by. */
function packPairs(split: EncodedSplit, members: Int32Array, places: Int32Array, rows: number): PackedBatch {
  const batch = {
    pairs: places.length,
    rows,
    ids: new Int32Array(rows),
    segments: new Int32Array(rows),
    positions: new Int32Array(rows),
    offsets: new Int32Array(places.length + 1),
    pairIndices: places.slice(),
    labels: new Int32Array(places.length),
  };
  let row = 0;
  for (let pair = 0; pair < places.length; pair++) {
    const member = members[places[pair]!]!;
    const from = split.offsets[member]!;
    const length = split.offsets[member + 1]! - from;
    const segmentStart = split.segmentStarts[member]!;
    batch.ids.set(split.ids.subarray(from, from + length), row);
    for (let position = 0; position < length; position++) {
      batch.segments[row + position] = position < segmentStart ? 0 : 1;
      batch.positions[row + position] = position;
    }
    row += length;
    batch.offsets[pair + 1] = row;
    batch.labels[pair] = split.labels[member]!;
  }
  return batch;
}
