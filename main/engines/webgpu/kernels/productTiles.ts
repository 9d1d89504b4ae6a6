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

export interface Cut {
  readonly tile: Tile;
  /** Into how many pieces the inner axis is cut, and how long one is; the last may be shorter. */
  readonly pieces: number;
  readonly pieceLength: number;
}

/** By the sizes alone, so that a sum has the same order on every device. `layers`: products of one dispatch. */
export function cutProduct(
  { rows, columns, inner }: { rows: number; columns: number; inner: number },
  { layers = 1, splits }: { readonly layers?: number; readonly splits: boolean },
): Cut {
  const groups = ({ size }: Tile) => layers * Math.ceil(rows / size) * Math.ceil(columns / size);
  const most = splits ? Math.max(1, Math.min(MOST_PIECES, Math.floor(inner / LEAST_PIECE))) : 1;
  const tile = TILES.find((each) => groups(each) * most >= ENOUGH_GROUPS) ?? TILES.at(-1)!;
  const wanted = Math.min(most, Math.ceil(ENOUGH_GROUPS / Math.max(1, groups(tile))));
  const pieceLength = Math.max(tile.inner, Math.ceil(inner / wanted / tile.inner) * tile.inner);
  return { tile, pieces: Math.max(1, Math.ceil(inner / pieceLength)), pieceLength };
}
