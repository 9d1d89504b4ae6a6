/** @file Runs under Node. The tokenizer of a folder (a run's, a checkpoint's, a model's), or of a file that somebody names. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { readError } from '../files/fileErrors.ts';
import type { PairTokenizer, TokenizerData } from './pairTokenizer.ts';
import { Vocabulary, vocabularyFromJson } from './vocabulary.ts';
import { openTokenizer } from './wordpiece/openTokenizer.ts';
import { WordPiecePairs } from './wordpiece/wordPiecePairs.ts';
import { WordPieceTokenizer } from './wordpiece/wordPieceTokenizer.ts';
import { WordPieceVocabulary } from './wordpiece/wordPieceVocabulary.ts';
import { VOCABULARY_FILE, WordsTokenizer } from './wordsTokenizer.ts';

const WORD_PIECE_LISTS = ['tokenizer.json', 'vocab.txt'] as const;
/** What a WordPiece tokenizer is made of, as far as it is there; its folder keeps them byte for byte. */
const WORD_PIECE_FILES = [
  ...WORD_PIECE_LISTS,
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
] as const;

/** True when a folder holds what a tokenizer is opened from. */
export function hasTokenizer(folder: string): boolean {
  return [VOCABULARY_FILE, ...WORD_PIECE_LISTS].some((name) => existsSync(join(folder, name)));
}

/** @throws StudioError NOT_FOUND when the folder holds none; UNREADABLE, BAD_FILE. */
export function openPairTokenizer(folder: string): PairTokenizer {
  const words = join(folder, VOCABULARY_FILE);
  return existsSync(words) ? wordsOfFile(words) : wordPieceOf(folder);
}

/**
 * What `--vocabulary` names: a vocab.json of words, or WordPiece's vocab.txt or tokenizer.json (with the files beside it
 * that belong to it), or a folder with either.
 * @throws StudioError NOT_FOUND, UNREADABLE, BAD_FILE.
 */
export function tokenizerAt(path: string): PairTokenizer {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return openPairTokenizer(path);
  const name = basename(path);
  if (name === 'vocab.txt' || name === 'tokenizer.json') {
    requireFile(path);
    return wordPieceOf(dirname(path));
  }
  if (!name.endsWith('.txt')) return wordsOfFile(path);
  throw new StudioError('BAD_FILE', `${path} is no vocabulary that can be told by its name.`, {
    nextStep:
      "Call a list of WordPiece's tokens vocab.txt, in a folder of its own; one of words is a vocab.json.",
    place: { file: path },
  });
}

export function tokenizerFromData(data: TokenizerData): PairTokenizer {
  const source = 'of this run';
  if (data.kind === 'words') return new WordsTokenizer(new Vocabulary(data.tokens, source));
  const { lowercase, stripAccents } = data;
  const vocabulary = new WordPieceVocabulary(data.tokens, source);
  return new WordPiecePairs(new WordPieceTokenizer(vocabulary, { lowercase, stripAccents }));
}

function wordsOfFile(path: string): PairTokenizer {
  return new WordsTokenizer(vocabularyFromJson(bytesOf(path).toString('utf8'), { source: path }));
}

function wordPieceOf(folder: string): PairTokenizer {
  const { tokenizer, maxLen } = openTokenizer(folder);
  const files = new Map<string, Uint8Array>();
  for (const name of WORD_PIECE_FILES) {
    const path = join(folder, name);
    if (existsSync(path)) files.set(name, bytesOf(path));
  }
  return new WordPiecePairs(tokenizer, { maxLen, files });
}

function requireFile(path: string): void {
  if (!existsSync(path)) bytesOf(path);
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw readError(thrown, path);
  }
}
