/**
 * @file Runs anywhere. Packed micro-batches: the rows of all pairs one after another, no padding.
 * Letters of shapes in this folder: P pairs, R rows (tokens of all pairs), T longest pair, H hidden, N heads,
 * D = H / N, F feed-forward, C classes, V vocabulary.
 */

export interface PackedBatch {
  readonly pairs: number;
  readonly rows: number;
  /** [R] token ids */
  readonly ids: Int32Array;
  /** [R] 0 for the premise with `<cls>` and its `<sep>`, 1 for the hypothesis */
  readonly segments: Int32Array;
  /** [R] position inside the pair */
  readonly positions: Int32Array;
  /** [P + 1] where each pair's rows begin; the last is R */
  readonly offsets: Int32Array;
  /** [P] index of each pair in the optimizer batch: dropout is defined by it, whatever the micro-batches */
  readonly pairIndices: Int32Array;
  /** [P] */
  readonly labels: Int32Array;
}

/** How rows belong to pairs: all that dropout and attention need to know of a batch. */
export interface RowLayout {
  /** [P + 1] */
  readonly offsets: Int32Array;
  /** [P] */
  readonly pairIndices: Int32Array;
}

/** The layout after the last layer has been reduced to its first row a pair: [P] rows. */
export function firstRowLayout(batch: PackedBatch): RowLayout {
  return {
    offsets: Int32Array.from({ length: batch.pairs + 1 }, (_, row) => row),
    pairIndices: batch.pairIndices,
  };
}

export function longestPair(layout: RowLayout): number {
  let longest = 0;
  for (let pair = 0; pair + 1 < layout.offsets.length; pair++)
    longest = Math.max(longest, layout.offsets[pair + 1]! - layout.offsets[pair]!);
  return longest;
}

/** Index maps between packed rows [R] and padded rows [P·T]; the index R (or P·T) means "a row of zeros". */
export interface PaddingMaps {
  /** [P·T] packed row of each padded place, or R */
  readonly packedOfPadded: Int32Array;
  /**
   * [P·T] the same, with row 0 instead of R: for what masked keys multiply by exactly 0, whatever stands there, so that
   * no row of zeros need be made.
   */
  readonly anyOfPadded: Int32Array;
  /** [R] padded place of each packed row */
  readonly paddedOfPacked: Int32Array;
  /** [P·T] 0 at real places, the book's -1e6 at padding: added to the scores of a key */
  readonly keyPenalty: Float32Array;
}

/** The book sets masked scores to -1e6 (book.md 3); exp of that is exactly 0. */
const MASKED_SCORE = -1e6;

export function paddingMaps(layout: RowLayout): PaddingMaps {
  const { offsets } = layout;
  const pairs = offsets.length - 1;
  const rows = offsets[pairs]!;
  const longest = longestPair(layout);
  const packedOfPadded = new Int32Array(pairs * longest).fill(rows);
  const paddedOfPacked = new Int32Array(rows);
  const keyPenalty = new Float32Array(pairs * longest).fill(MASKED_SCORE);
  for (let pair = 0; pair < pairs; pair++) {
    const begin = offsets[pair]!;
    const length = offsets[pair + 1]! - begin;
    for (let position = 0; position < length; position++) {
      const place = pair * longest + position;
      packedOfPadded[place] = begin + position;
      paddedOfPacked[begin + position] = place;
      keyPenalty[place] = 0;
    }
  }
  const anyOfPadded = packedOfPadded.map((row) => (row === rows ? 0 : row));
  return { packedOfPadded, anyOfPadded, paddedOfPacked, keyPenalty };
}

/** [P] the first row of each pair, and the inverse [R]: its pair, or P where the row is not a first one. */
export function firstRowMaps(batch: PackedBatch): { firstRows: Int32Array; pairOfRow: Int32Array } {
  const firstRows = batch.offsets.slice(0, batch.pairs);
  const pairOfRow = new Int32Array(batch.rows).fill(batch.pairs);
  for (let pair = 0; pair < batch.pairs; pair++) pairOfRow[firstRows[pair]!] = pair;
  return { firstRows, pairOfRow };
}
