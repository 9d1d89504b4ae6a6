/** @file Runs anywhere under Node. A pair as the model reads it, token by token, and the words behind the tokens. */
import { type EncodingSettings, type LoosePair, truncatePair } from './encoding.ts';
import { SYMBOLS } from './treebankLexicon.ts';
import type { Vocabulary } from './vocabulary.ts';
import { lowerWords, splitWords } from './words.ts';

/** One entry a token, in the order of the ids that the model is given. */
export interface PairTokens {
  /** From the vocabulary: special tokens included, `<unk>` where it does not hold the word. */
  readonly tokens: readonly string[];
  /** The word as it was written; "" for special tokens. */
  readonly words: readonly string[];
  /** 0 for the premise with `<cls>` and its `<sep>`, 1 for the hypothesis. */
  readonly segments: readonly number[];
}

/** Brackets and quotes as a person types them, by the Treebank's names for them. */
const WRITTEN: ReadonlyMap<string, string> = new Map([
  ...[...SYMBOLS]
    .filter(([, token]) => token.startsWith('-'))
    .map(([symbol, token]) => [token, symbol] as const),
  ['``', '"'],
  ["''", '"'],
  ['`', "'"],
]);

/** What `encodePair` makes ids of, in words. */
export function pairTokens(
  { premise, hypothesis }: LoosePair,
  vocabulary: Vocabulary,
  { maxLen, truncation }: EncodingSettings,
): PairTokens {
  const known = (word: string) => (vocabulary.has(word) ? word : vocabulary.tokens[vocabulary.unk]!);
  const [cls, sep] = [vocabulary.tokens[vocabulary.cls]!, vocabulary.tokens[vocabulary.sep]!];
  const [p, h] = [lowerWords(premise), hypothesis === null ? [] : lowerWords(hypothesis)];
  const kept =
    hypothesis === null
      ? { premise: Math.min(p.length, maxLen - 2), hypothesis: 0 }
      : truncatePair(p.length, h.length, maxLen - 3, truncation);
  const written = (text: string, count: number) =>
    splitWords(text)
      .slice(0, count)
      .map((word) => WRITTEN.get(word) ?? word);
  const first = [cls, ...p.slice(0, kept.premise).map(known), sep];
  const second = hypothesis === null ? [] : [...h.slice(0, kept.hypothesis).map(known), sep];
  return {
    tokens: [...first, ...second],
    words: [
      ...['', ...written(premise, kept.premise), ''],
      ...(hypothesis === null ? [] : [...written(hypothesis, kept.hypothesis), '']),
    ],
    segments: [...first.map(() => 0), ...second.map(() => 1)],
  };
}
