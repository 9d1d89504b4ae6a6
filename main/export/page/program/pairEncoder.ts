/** @file Runs in the exported page. From what a person types to the model's ids: the studio's own tokenizers. */
import { asRead, type EncodedPair, encodePair } from '../../../data/encoding.ts';
import type { PairTokenizer } from '../../../data/pairTokenizer.ts';
import { Vocabulary } from '../../../data/vocabulary.ts';
import { WordPiecePairs } from '../../../data/wordpiece/wordPiecePairs.ts';
import { WordPieceTokenizer } from '../../../data/wordpiece/wordPieceTokenizer.ts';
import { WordPieceVocabulary } from '../../../data/wordpiece/wordPieceVocabulary.ts';
import { WordsTokenizer } from '../../../data/wordsTokenizer.ts';
import type { PageModel } from '../pageData.ts';

export interface EncodedText extends EncodedPair {
  /** Words, as typed, that the model has never seen. */
  readonly unknown: readonly string[];
}

export type EncodeText = (premise: string, hypothesis: string | null) => EncodedText;

export function pairEncoder({ tokenizer: data, maxLen, truncation }: PageModel): EncodeText {
  const { tokenizer, unknownToken } = made(data);
  const settings = { maxLen, truncation };
  return (premise, hypothesis) => {
    const pair = asRead({ premise, hypothesis }, tokenizer);
    const { tokens, words } = tokenizer.show(pair, settings);
    const unknown = words.filter((word, at) => tokens[at] === unknownToken && word !== '');
    return { ...encodePair(pair, tokenizer, settings), unknown: [...new Set(unknown)] };
  };
}

function made(data: PageModel['tokenizer']): {
  readonly tokenizer: PairTokenizer;
  readonly unknownToken: string;
} {
  const source = 'the page';
  if (data.kind === 'words') {
    const vocabulary = new Vocabulary(data.tokens, source);
    return { tokenizer: new WordsTokenizer(vocabulary), unknownToken: vocabulary.tokens[vocabulary.unk]! };
  }
  const vocabulary = new WordPieceVocabulary(data.tokens, source);
  const { lowercase, stripAccents } = data;
  const pieces = new WordPieceTokenizer(vocabulary, { lowercase, stripAccents });
  return { tokenizer: new WordPiecePairs(pieces), unknownToken: vocabulary.tokens[vocabulary.unk]! };
}
