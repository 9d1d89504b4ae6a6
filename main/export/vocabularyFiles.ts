/** @file Runs anywhere. The tokenizer's own list of tokens as a file: the book's vocab.json, or BERT's vocab.txt. */
import type { ExportedTokenizer } from './exportedModel.ts';

/** Text by file name. */
export function vocabularyFiles(tokenizer: ExportedTokenizer): ReadonlyMap<string, string> {
  if (tokenizer.kind === 'words') return new Map([['vocab.json', `${tokenizer.vocabulary.toJson()}\n`]]);
  return new Map([['vocab.txt', `${tokenizer.tokenizer.vocabulary.tokens.join('\n')}\n`]]);
}
