/** @file Runs anywhere. A packed micro-batch of pretraining: which rows were masked, and which words stood there. */
import type { PackedBatch } from './packedBatch.ts';

export interface MaskedBatch extends PackedBatch {
  /** [M] rows whose word is to be told, ascending; never a `<cls>` or `<sep>` */
  readonly maskedRows: Int32Array;
  /** [M] token ids that stood there before they were masked */
  readonly maskedIds: Int32Array;
}

/** [R] the inverse of `maskedRows`: the place of a row among the masked ones, or M where it is none. */
export function placesOfMasked({ rows, maskedRows }: MaskedBatch): Int32Array {
  const places = new Int32Array(rows).fill(maskedRows.length);
  for (let place = 0; place < maskedRows.length; place++) places[maskedRows[place]!] = place;
  return places;
}
