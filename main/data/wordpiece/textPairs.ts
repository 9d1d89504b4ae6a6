/** @file Runs under Node. A pair of raw texts as BERT reads it: `[CLS] premise [SEP] hypothesis [SEP]`, cut as the reference cuts. */
import type { EncodedPair, KeptTokens } from '../encoding.ts';
import type { WordPieceTokenizer } from './wordPieceTokenizer.ts';

/**
 * How much of a pair is kept when both texts together may have at most `budget` (= maxLen - 3) tokens: the longer one
 * gives up tokens until they are equally long, then both do. Of an odd budget the longer one keeps one token more, the
 * hypothesis when they are equally long; the book's `longer-first` gives that token to the premise.
 */
export function keepLongestFirst(premise: number, hypothesis: number, budget: number): KeptTokens {
  if (premise + hypothesis <= budget) return { premise, hypothesis };
  const half = Math.floor(budget / 2);
  if (Math.min(premise, hypothesis) <= half) {
    return premise <= hypothesis
      ? { premise, hypothesis: budget - premise }
      : { premise: budget - hypothesis, hypothesis };
  }
  return premise > hypothesis
    ? { premise: budget - half, hypothesis: half }
    : { premise: half, hypothesis: budget - half };
}

/**
 * Packs a pair of raw texts. One text alone (hypothesis null) becomes `[CLS] text [SEP]`.
 * @param maxLen longest pair in tokens, special tokens included; at least 3.
 */
export function encodeTextPair(
  premise: string,
  hypothesis: string | null,
  tokenizer: WordPieceTokenizer,
  maxLen: number,
): EncodedPair {
  const p = tokenizer.ids(premise);
  const h = hypothesis === null ? [] : tokenizer.ids(hypothesis);
  const kept =
    hypothesis === null
      ? { premise: Math.min(p.length, maxLen - 2), hypothesis: 0 }
      : keepLongestFirst(p.length, h.length, maxLen - 3);
  const { cls, sep } = tokenizer.vocabulary;
  const first = [cls, ...p.slice(0, kept.premise), sep];
  const second = hypothesis === null ? [] : [...h.slice(0, kept.hypothesis), sep];
  return {
    ids: Int32Array.from([...first, ...second]),
    segmentStart: first.length,
    truncated: kept.premise < p.length || kept.hypothesis < h.length,
  };
}
