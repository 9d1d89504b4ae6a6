/** @file Runs anywhere under Node. Which words of a pair are masked, and by what (book.md 7). */
import type { PhiloxSequence } from '../../model/philox.ts';

export const MASKED_SHARE = 0.15;
const BY_MASK = 0.8;
/** Of 1: below it and from BY_MASK on, the word stays as it is; above it, it becomes any word. */
const BY_MASK_OR_NOTHING = 0.9;

export interface MaskTokens {
  readonly mask: number;
  readonly vocabularySize: number;
}

/** Rounds halves to the even neighbour, as Python's `round` does. */
export function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** max(1, round(0.15 · tokens)), special tokens counted; never more than there are words. */
export function maskedCount(tokens: number, words: number): number {
  return Math.min(words, Math.max(1, roundHalfToEven(MASKED_SHARE * tokens)));
}

/**
 * Masks a pair in place. `ids`: its tokens; `special`: the places that are never masked, ascending.
 * -> the masked places, ascending, and what stood there.
 */
export function maskPair(
  ids: Int32Array,
  special: readonly number[],
  { mask, vocabularySize }: MaskTokens,
  sequence: PhiloxSequence,
): { places: Int32Array; originals: Int32Array } {
  const words: number[] = [];
  for (let place = 0; place < ids.length; place++) if (!special.includes(place)) words.push(place);
  const count = maskedCount(ids.length, words.length);
  for (let chosen = 0; chosen < count; chosen++) {
    const other = chosen + sequence.nextBelow(words.length - chosen);
    [words[chosen], words[other]] = [words[other]!, words[chosen]!];
  }
  const places = Int32Array.from(words.slice(0, count)).sort();
  const originals = places.map((place) => ids[place]!);
  for (const place of places) {
    const share = sequence.nextUniform();
    if (share < BY_MASK) ids[place] = mask;
    else if (share >= BY_MASK_OR_NOTHING) ids[place] = sequence.nextBelow(vocabularySize);
  }
  return { places, originals };
}
