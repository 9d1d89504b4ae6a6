/** @file Runs anywhere under Node. A pair as the book's model reads it, token by token, and the words behind the tokens. */
import type { LoosePair, PairTokens } from './pairTokenizer.ts';
import { SYMBOLS } from './treebankLexicon.ts';
import { type EncodingSettings, keptTokens } from './truncation.ts';
import type { Vocabulary } from './vocabulary.ts';
import { lowerWords, splitWords } from './words.ts';

/** Brackets and quotes as a person types them, by the Treebank's names for them. */
const WRITTEN: ReadonlyMap<string, string> = new Map([
  ...[...SYMBOLS]
    .filter(([, token]) => token.startsWith('-'))
    .map(([symbol, token]) => [token, symbol] as const),
  ['``', '"'],
  ["''", '"'],
  ['`', "'"],
]);

/** What the book's tokenizer makes ids of, in words. */
export function wordTokens(
  { premise, hypothesis }: LoosePair,
  vocabulary: Vocabulary,
  settings: EncodingSettings,
): PairTokens {
  const known = (word: string) => (vocabulary.has(word) ? word : vocabulary.tokens[vocabulary.unk]!);
  const [cls, sep] = [vocabulary.tokens[vocabulary.cls]!, vocabulary.tokens[vocabulary.sep]!];
  const [p, h] = [lowerWords(premise), hypothesis === null ? [] : lowerWords(hypothesis)];
  const kept = keptTokens(p.length, hypothesis === null ? null : h.length, settings);
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
