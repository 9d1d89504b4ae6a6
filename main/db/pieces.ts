/** @file Node. Points and blocks of curves on their way to a line, and neighbours made one. Pure. */
import type { BlockRow } from './metricBlocks.ts';

/** A point or a block on its way to a line. */
export interface Piece {
  readonly step: number;
  readonly epoch: number;
  readonly atMs: number;
  readonly points: number;
  readonly finite: number;
  readonly lowest: number | null;
  readonly highest: number | null;
  readonly total: number | null;
  readonly last: number | null;
}

/** At most `most` neighbours made one, by equal numbers of pieces. */
export function mergedPieces(pieces: readonly Piece[], most: number): Piece[] {
  const size = Math.ceil(pieces.length / most);
  if (size <= 1) return [...pieces];
  const merged: Piece[] = [];
  for (let from = 0; from < pieces.length; from += size)
    merged.push(mergedPiece(pieces, from, Math.min(from + size, pieces.length)));
  return merged;
}

function mergedPiece(pieces: readonly Piece[], from: number, to: number): Piece {
  let [points, finite, total] = [0, 0, 0];
  let lowest: number | null = null;
  let highest: number | null = null;
  for (let at = from; at < to; at++) {
    const piece = pieces[at]!;
    points += piece.points;
    finite += piece.finite;
    total += piece.total ?? 0;
    if (piece.lowest !== null && (lowest === null || piece.lowest < lowest)) lowest = piece.lowest;
    if (piece.highest !== null && (highest === null || piece.highest > highest)) highest = piece.highest;
  }
  const { step, epoch, atMs, last } = pieces[to - 1]!;
  return { step, epoch, atMs, points, finite, lowest, highest, total, last };
}

export function pieceOfBlock(row: BlockRow): Piece {
  const { points, finite, lowest, highest, total, last } = row;
  return {
    step: row.last_step,
    epoch: row.last_epoch,
    atMs: row.last_at_ms,
    points,
    finite,
    lowest,
    highest,
    total,
    last,
  };
}
