/** @file Runs anywhere. The tokenizer beside weights for PyTorch: the book's vocab.json, or all of BERT's tokenizer files. */
import type { ExportedModel } from './exportedModel.ts';
import { tokenizerFiles } from './tokenizerFiles.ts';

/** Text by file name. Of WordPiece the list of tokens alone would not say whether text is lower-cased. */
export function vocabularyFiles(model: ExportedModel): ReadonlyMap<string, string> {
  const { tokenizer } = model;
  if (tokenizer.kind === 'words') return new Map([['vocab.json', `${tokenizer.vocabulary.toJson()}\n`]]);
  return tokenizerFiles(model);
}
