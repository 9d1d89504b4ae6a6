/** @file Node. How rows belong to pairs and what is dropped, as the border takes it. */
import { type DropoutSource, dropThreshold } from '../../../model/dropout.ts';
import type { RowLayout } from '../../../model/packedBatch.ts';
import type { NativeDropout, NativeLayout } from '../binding.ts';
import type { Call } from './kernel.ts';

/** What kernels with a layout are told: attributes of attention and of the norms. */
interface LayoutAttributes {
  readonly layout: RowLayout;
  readonly dropout: DropoutSource | null;
  readonly place: number;
}

export function nativeDropout({ rate, seed, step }: DropoutSource, place: number): NativeDropout {
  return { seed, step, place, threshold: dropThreshold(rate), scale: Math.fround(1 / (1 - rate)) };
}

/** Layout, and dropout where there is any. @throws Error when the layout has other than `rows` rows (null: any) */
export function layoutOf(
  { name, attributes }: Call,
  rows: number | null,
): NativeLayout & { dropout?: NativeDropout } {
  const { layout, dropout, place } = attributes as unknown as LayoutAttributes;
  const { offsets, pairIndices } = layout;
  if (offsets.length !== pairIndices.length + 1)
    throw new Error(
      `Error in ${name}: ${pairIndices.length} pairs need one offset more, not ${offsets.length}.`,
    );
  if (rows !== null && offsets.at(-1) !== rows)
    throw new Error(`Error in ${name}: the layout ends at row ${offsets.at(-1)}, the tensors at ${rows}.`);
  const drops = dropout !== null && dropout.rate > 0;
  return { offsets, pairIndices, ...(drops ? { dropout: nativeDropout(dropout, place) } : {}) };
}
