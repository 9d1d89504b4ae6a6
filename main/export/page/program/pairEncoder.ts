/** @file Runs in the exported page. From what a person types to the model's ids: the studio's own tokenizers. */
import { type EncodedPair, encodePair } from '../../../data/encoding.ts';
import { tokenizeTreebank } from '../../../data/treebankTokenizer.ts';
import { Vocabulary } from '../../../data/vocabulary.ts';
import { encodeTextPair } from '../../../data/wordpiece/textPairs.ts';
import { WordPieceTokenizer } from '../../../data/wordpiece/wordPieceTokenizer.ts';
import { WordPieceVocabulary } from '../../../data/wordpiece/wordPieceVocabulary.ts';
import { lowerWords, splitWords } from '../../../data/words.ts';
import type { PageModel } from '../pageData.ts';

export interface EncodedText extends EncodedPair {
  /** Words, as typed, that the model has never seen. */
  readonly unknown: readonly string[];
}

export type EncodeText = (premise: string, hypothesis: string | null) => EncodedText;

export function pairEncoder({ tokenizer, maxLen }: Pick<PageModel, 'tokenizer' | 'maxLen'>): EncodeText {
  if (tokenizer.kind === 'words') {
    const vocabulary = new Vocabulary(tokenizer.tokens, 'the page');
    return wordsEncoder(vocabulary, { maxLen, truncation: tokenizer.truncation });
  }
  const vocabulary = new WordPieceVocabulary(tokenizer.tokens, 'the page');
  return wordPieceEncoder(new WordPieceTokenizer(vocabulary, tokenizer), maxLen);
}

function wordsEncoder(
  vocabulary: Vocabulary,
  settings: { readonly maxLen: number; readonly truncation: 'longer-first' | 'length-ratio' },
): EncodeText {
  return (premise, hypothesis) => {
    const [p, h] = [tokenizeTreebank(premise), hypothesis === null ? null : tokenizeTreebank(hypothesis)];
    const encoded = encodePair(lowerWords(p), h === null ? null : lowerWords(h), vocabulary, settings);
    const words = [...splitWords(p), ...splitWords(h ?? '')];
    return { ...encoded, unknown: distinct(words.filter((word) => !vocabulary.has(word.toLowerCase()))) };
  };
}

function wordPieceEncoder(tokenizer: WordPieceTokenizer, maxLen: number): EncodeText {
  const { unk } = tokenizer.vocabulary;
  return (premise, hypothesis) => {
    const words = [...splitWords(premise), ...splitWords(hypothesis ?? '')];
    const unknown = distinct(words.filter((word) => tokenizer.ids(word).includes(unk)));
    return { ...encodeTextPair(premise, hypothesis, tokenizer, maxLen), unknown };
  };
}

const distinct = (words: readonly string[]) => [...new Set(words)];
