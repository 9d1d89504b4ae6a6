/** @file Runs anywhere under Node. From drawn pairs to masked micro-batches: packed, sorted by length, no padding. */
import type { MaskedBatch } from '../../model/maskedBatch.ts';
import type { PackedBatch } from '../../model/packedBatch.ts';
import { PhiloxSequence, STREAMS } from '../../model/philox.ts';
import { planShares } from '../batches.ts';
import type { EncodedSplit } from '../encoding.ts';
import type { Vocabulary } from '../vocabulary.ts';
import type { EncodedText } from './encodedText.ts';
import { maskPair } from './masking.ts';
import type { DrawnPairs } from './sentencePairs.ts';

export interface MaskingOptions {
  readonly seed: number;
  readonly epoch: number;
  /** A micro-batch ends before its rows would exceed this; one pair is always allowed. */
  readonly microBatchTokens: number;
}

/** What is needed to make batches of a text. */
export interface MaskableText {
  readonly text: EncodedText;
  readonly vocabulary: Vocabulary;
}

/** The drawn pairs from `begin` to before `end` as one optimizer batch, shortest pairs first. */
export function maskedMicroBatches(
  source: MaskableText,
  pairs: DrawnPairs,
  range: readonly [number, number],
  options: MaskingOptions,
): MaskedBatch[] {
  return maskedShares(source, pairs, range, { ...options, workers: 1 })[0]!;
}

/** The same for several workers, one list each: see `planShares`. */
export function maskedShares(
  source: MaskableText,
  pairs: DrawnPairs,
  [begin, end]: readonly [number, number],
  options: MaskingOptions & { readonly workers: number },
): MaskedBatch[][] {
  const { split, masks } = maskedPairs(source, pairs, [begin, end], options);
  const everyone = Int32Array.from({ length: end - begin }, (_, pair) => pair);
  const masked = (batch: PackedBatch): MaskedBatch => {
    const rows: number[] = [];
    const ids: number[] = [];
    for (let pair = 0; pair < batch.pairs; pair++) {
      const { places, originals } = masks[batch.pairIndices[pair]!]!;
      for (const place of places) rows.push(batch.offsets[pair]! + place);
      ids.push(...originals);
    }
    return { ...batch, maskedRows: Int32Array.from(rows), maskedIds: Int32Array.from(ids) };
  };
  return planShares(split, everyone, options).map((share) => share.map(masked));
}

interface Masks {
  readonly places: Int32Array;
  readonly originals: Int32Array;
}

function maskedPairs(
  { text, vocabulary }: MaskableText,
  { first, second, isNext, draw }: DrawnPairs,
  [begin, end]: readonly [number, number],
  { seed, epoch }: MaskingOptions,
): { split: EncodedSplit; masks: Masks[] } {
  const { cls, sep, mask, size } = vocabulary;
  const sentence = (at: number) =>
    text.ids.subarray(text.sentenceOffsets[at]!, text.sentenceOffsets[at + 1]!);
  const offsets = new Int32Array(end - begin + 1);
  const segmentStarts = new Int32Array(end - begin);
  const packed: Int32Array[] = [];
  const masks: Masks[] = [];
  for (let pair = begin; pair < end; pair++) {
    const [one, other] = [sentence(first[pair]!), sentence(second[pair]!)];
    const ids = Int32Array.of(cls, ...one, sep, ...other, sep);
    const special = [0, one.length + 1, ids.length - 1];
    const sequence = new PhiloxSequence(seed, STREAMS.masks, draw[pair]!, epoch);
    masks.push(maskPair(ids, special, { mask, vocabularySize: size }, sequence));
    packed.push(ids);
    segmentStarts[pair - begin] = one.length + 2;
    offsets[pair - begin + 1] = offsets[pair - begin]! + ids.length;
  }
  const ids = new Int32Array(offsets.at(-1)!);
  packed.forEach((of, pair) => {
    ids.set(of, offsets[pair]);
  });
  const labels = isNext.slice(begin, end);
  return {
    split: { pairs: end - begin, ids, offsets, segmentStarts, labels, truncatedPairs: 0 },
    masks,
  };
}
