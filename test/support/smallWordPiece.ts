/** @file Tests. A WordPiece vocabulary of a few pieces, as the file that a person would have. */
import { WordPiecePairs } from '../../main/data/wordpiece/wordPiecePairs.ts';
import { WordPieceTokenizer } from '../../main/data/wordpiece/wordPieceTokenizer.ts';
import { WordPieceVocabulary } from '../../main/data/wordpiece/wordPieceVocabulary.ts';

/** Whole words, and pieces from which any lower-cased word of Latin letters can be made. */
export const SMALL_PIECES: readonly string[] = [
  ...['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'dog', 'sleep', '##s', 'the', "'", '.', '!'],
  ...[...'abcdefghijklmnopqrstuvwxyz']
    .flatMap((letter) => [letter, `##${letter}`])
    .filter((one) => one !== '##s'),
];

export const SMALL_VOCAB_TXT = SMALL_PIECES.map((piece) => `${piece}\n`).join('');

export function smallWordPiece({ lowercase = true } = {}): WordPiecePairs {
  const vocabulary = new WordPieceVocabulary(SMALL_PIECES, 'the test');
  return new WordPiecePairs(new WordPieceTokenizer(vocabulary, { lowercase, stripAccents: lowercase }));
}
