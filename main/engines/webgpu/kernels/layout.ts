/**
 * @file Node. How rows belong to pairs, as tables that programs read: made once for each layout, and uploaded once, because
 * the array of a table stays the same object.
 */
import type { DropoutSource } from '../../../model/dropout.ts';
import type { RowLayout } from '../../../model/packedBatch.ts';
import type { Call } from './kernel.ts';

/** Attributes of kernels with a layout. */
export interface LayoutAttributes {
  readonly layout: RowLayout;
  readonly dropout: DropoutSource | null;
  readonly place: number;
  readonly sources?: Int32Array | null;
}

/** The attributes; a dropout that drops nothing is none. */
export function layoutAttributes(call: Call): Required<LayoutAttributes> {
  const { layout, dropout, place, sources = null } = call.attributes as unknown as LayoutAttributes;
  return { layout, dropout: dropout !== null && dropout.rate > 0 ? dropout : null, place, sources };
}

/** @throws Error when the layout has other than `rows` rows (null: any) */
export function checkedLayout(name: string, layout: RowLayout, rows: number | null): RowLayout {
  const { offsets, pairIndices } = layout;
  if (offsets.length !== pairIndices.length + 1)
    throw new Error(
      `Error in ${name}: ${pairIndices.length} pairs need one offset more, not ${offsets.length}.`,
    );
  if (rows !== null && offsets.at(-1) !== rows)
    throw new Error(`Error in ${name}: the layout ends at row ${offsets.at(-1)}, the tensors at ${rows}.`);
  return layout;
}

interface PairPlace {
  /** In the optimizer batch. */
  readonly pairIndex: number;
  readonly begin: number;
  readonly length: number;
}

export function pairPlaces({ offsets, pairIndices }: RowLayout): PairPlace[] {
  return Array.from(pairIndices, (pairIndex, pair) => {
    const begin = offsets[pair]!;
    return { pairIndex, begin, length: offsets[pair + 1]! - begin };
  });
}

interface Made {
  readonly pairIndices: Int32Array;
  readonly table: Uint32Array;
}

/** Tables by the arrays that they are made of; they last as long as those. */
class Tables {
  readonly #made = new WeakMap<Int32Array, WeakMap<Int32Array, Made>>();
  readonly #make: (layout: RowLayout, sources: Int32Array | null) => Uint32Array;

  constructor(make: (layout: RowLayout, sources: Int32Array | null) => Uint32Array) {
    this.#make = make;
  }

  of(layout: RowLayout, sources: Int32Array | null): Uint32Array {
    const { offsets, pairIndices } = layout;
    const bySources = this.#made.get(offsets) ?? new WeakMap<Int32Array, Made>();
    this.#made.set(offsets, bySources);
    const known = bySources.get(sources ?? offsets);
    if (known?.pairIndices === pairIndices) return known.table;
    const table = this.#make(layout, sources);
    bySources.set(sources ?? offsets, { pairIndices, table });
    return table;
  }
}

/** [R, 4]: index of the row's pair in the optimizer batch, row inside the pair, row of a stored matrix, 0. */
export const rowPlaces = new Tables((layout, sources) => {
  const table = new Uint32Array((layout.offsets.at(-1) ?? 0) * 4);
  for (const { pairIndex, begin, length } of pairPlaces(layout))
    for (let row = 0; row < length; row++)
      table.set([pairIndex, row, sources?.[begin + row] ?? begin + row, 0], (begin + row) * 4);
  return table;
});

/** Rows of a pair that a workgroup of attention takes together. */
export const BLOCK_ROWS = 32;

/** How many blocks the pairs have: each is a stretch of `BLOCK_ROWS` rows of one pair, or the rest. */
export function countBlocks({ offsets }: RowLayout): number {
  let blocks = 0;
  for (let pair = 0; pair + 1 < offsets.length; pair++)
    blocks += Math.ceil((offsets[pair + 1]! - offsets[pair]!) / BLOCK_ROWS);
  return blocks;
}

/**
 * [blocks, 4]: first row of the pair, its length, first row of the block inside the pair, index of the pair in the
 * optimizer batch; behind them `sources` [R], where there are any.
 */
export const blockPlaces = new Tables((layout, sources) => {
  const blocks = countBlocks(layout);
  const table = new Uint32Array(blocks * 4 + (sources?.length ?? 0));
  let at = 0;
  for (const { pairIndex, begin, length } of pairPlaces(layout))
    for (let first = 0; first < length; first += BLOCK_ROWS, at += 4)
      table.set([begin, length, first, pairIndex], at);
  if (sources !== null) table.set(sources, blocks * 4);
  return table;
});

/** [P, 4]: first row of the pair, its length, its index in the optimizer batch, 0; behind them its blocks, [blocks, 2]: the pair, first row of the block. */
export const pairTables = new Tables((layout) => {
  const pairs = layout.pairIndices.length;
  const table = new Uint32Array(pairs * 4 + countBlocks(layout) * 2);
  let at = pairs * 4;
  for (const [pair, { pairIndex, begin, length }] of pairPlaces(layout).entries()) {
    table.set([begin, length, pairIndex, 0], pair * 4);
    for (let first = 0; first < length; first += BLOCK_ROWS, at += 2) table.set([pair, first], at);
  }
  return table;
});
