/** @file Node. How a matrix product is cut into the work of workgroups: tiles of the result, and pieces of the inner axis. */

export interface Tile {
  /** Rows and columns of the result that a workgroup makes. */
  readonly size: 32 | 64 | 128;
  /** Length of the inner axis that lies in workgroup memory at once: 16 KiB with both factors, which every device has. */
  readonly inner: 16 | 32;
  /** Invocations along each side. */
  readonly side: 8 | 16;
  /** Rows and columns of the result that an invocation keeps in registers. */
  readonly registers: 4 | 8;
}

export const TILES: readonly Tile[] = [
  { size: 128, inner: 16, side: 16, registers: 8 },
  { size: 64, inner: 32, side: 16, registers: 4 },
  { size: 32, inner: 32, side: 8, registers: 4 },
];

/** A large GPU has over a hundred multiprocessors; smaller tiles do more loads for each product. */
const ENOUGH_GROUPS = 192;
/** A piece of the inner axis is no shorter, or adding the pieces up costs more than they save. */
const LEAST_PIECE = 256;
const MOST_PIECES = 32;
/**
 * Multiplications of a product over rows that is cut into the shortest pieces: more than a head of 512 pairs has. There terms
 * may cancel, and what a long chain of additions loses is the distance between the gradients of one device and of several.
 */
const MOST_MULTIPLICATIONS_IN_SHORT_PIECES = 2 ** 25;
const SHORT_PIECE = 32;
const MOST_SHORT_PIECES = 4096;

export interface Cut {
  readonly tile: Tile;
  /** Into how many pieces the inner axis is cut, and how long one is; the last may be shorter. */
  readonly pieces: number;
  readonly pieceLength: number;
  /** Whether sums are to be more exact than one chain of additions a piece. */
  readonly isFine: boolean;
}

export interface Splitting {
  /** Products of one dispatch. */
  readonly layers?: number;
  /** Whether the inner axis may be cut: `whereLong`, or of a small product `finely`, so that its sum is more exact. */
  readonly splits: 'not' | 'whereLong' | 'finely';
}

/** By the sizes alone, so that a sum has the same order on every device. */
export function cutProduct(
  { rows, columns, inner }: { rows: number; columns: number; inner: number },
  { layers = 1, splits }: Splitting,
): Cut {
  const groups = ({ size }: Tile) => layers * Math.ceil(rows / size) * Math.ceil(columns / size);
  const isFine = splits === 'finely' && rows * columns * inner <= MOST_MULTIPLICATIONS_IN_SHORT_PIECES;
  const [least, limit] = isFine ? [SHORT_PIECE, MOST_SHORT_PIECES] : [LEAST_PIECE, MOST_PIECES];
  const most = splits === 'not' ? 1 : Math.max(1, Math.min(limit, Math.floor(inner / least)));
  // The largest has no registers left for that.
  const tiles = isFine ? TILES.slice(1) : TILES;
  const tile = tiles.find((each) => groups(each) * most >= ENOUGH_GROUPS) ?? TILES.at(-1)!;
  const wanted = isFine ? most : Math.min(most, Math.ceil(ENOUGH_GROUPS / Math.max(1, groups(tile))));
  const pieceLength = Math.max(tile.inner, Math.ceil(inner / wanted / tile.inner) * tile.inner);
  return { tile, pieces: Math.max(1, Math.ceil(inner / pieceLength)), pieceLength, isFine };
}
