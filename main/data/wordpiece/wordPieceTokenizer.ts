/** @file Runs under Node. BERT's tokenizer: raw text to ids, equal to the reference (Hugging Face's tokenizers) id by id. */
import { type NormaliserSettings, normalise, wordsOf } from './normalise.ts';
import type { WordPieceVocabulary } from './wordPieceVocabulary.ts';

/** A longer word is unknown as a whole. */
const LONGEST_WORD_CODE_POINTS = 100;
/** Special tokens as they stand in a text; one that the vocabulary lacks is text like any other. */
const SPECIALS = /(\[(?:PAD|UNK|CLS|SEP)\])/;
const SPECIALS_AND_MASK = /(\[(?:PAD|UNK|CLS|SEP|MASK)\])/;

export class WordPieceTokenizer {
  readonly vocabulary: WordPieceVocabulary;
  readonly settings: NormaliserSettings;
  readonly #specials: RegExp;

  constructor(vocabulary: WordPieceVocabulary, settings: NormaliserSettings) {
    this.vocabulary = vocabulary;
    this.settings = settings;
    this.#specials = vocabulary.mask === null ? SPECIALS : SPECIALS_AND_MASK;
  }

  /**
   * Ids of a text, without [CLS] and [SEP] around them; none for text without a visible character. Special tokens
   * that are spelt out in the text become those tokens, before anything else is done to it. Takes time linear in the
   * length; never throws.
   */
  ids(text: string): number[] {
    const ids: number[] = [];
    this.#eachWord(
      text,
      (word) => pushPieces(word, this.vocabulary, ids),
      (id) => ids.push(id),
    );
    return ids;
  }

  /** The same ids, each with the word that it is a piece of, lower-cased where the tokenizer lower-cases. */
  pieces(text: string): { readonly id: number; readonly word: string }[] {
    const pieces: { id: number; word: string }[] = [];
    const pushWord = (word: string): void => {
      const ids: number[] = [];
      pushPieces(word, this.vocabulary, ids);
      for (const id of ids) pieces.push({ id, word });
    };
    this.#eachWord(text, pushWord, (id) => pieces.push({ id, word: this.vocabulary.tokens[id]! }));
    return pieces;
  }

  #eachWord(text: string, onWord: (word: string) => void, onSpecial: (id: number) => void): void {
    const words = (plain: string) => wordsOf(normalise(plain, this.settings));
    if (!text.includes('[')) {
      for (const word of words(text)) onWord(word);
      return;
    }
    for (const [at, part] of text.split(this.#specials).entries()) {
      if (at % 2 === 1) onSpecial(this.vocabulary.id(part)!);
      else for (const word of words(part)) onWord(word);
    }
  }
}

/** Cuts a word into the longest pieces from its beginning on; a word with a rest that is no piece is unknown. */
function pushPieces(word: string, vocabulary: WordPieceVocabulary, ids: number[]): void {
  if (isTooLong(word)) {
    ids.push(vocabulary.unk);
    return;
  }
  const whole = vocabulary.id(word);
  if (whole !== undefined) {
    ids.push(whole);
    return;
  }
  const before = ids.length;
  let at = 0;
  while (at < word.length) {
    const end = at === 0 ? pushFirst(word, vocabulary, ids) : pushNext(word, at, vocabulary, ids);
    if (end === at) {
      ids.length = before;
      ids.push(vocabulary.unk);
      return;
    }
    at = end;
  }
}

/** @returns where the piece ends; 0 when the word begins with none. */
function pushFirst(word: string, vocabulary: WordPieceVocabulary, ids: number[]): number {
  for (let end = Math.min(word.length - 1, vocabulary.longestToken); end > 0; end--) {
    const id = vocabulary.id(word.slice(0, end));
    if (id === undefined) continue;
    ids.push(id);
    return end;
  }
  return 0;
}

/** @returns where the piece ends that continues the word at `start`; `start` when none does. */
function pushNext(word: string, start: number, vocabulary: WordPieceVocabulary, ids: number[]): number {
  for (let end = Math.min(word.length, start + vocabulary.longestContinuation); end > start; end--) {
    const id = vocabulary.continuationId(word.slice(start, end));
    if (id === undefined) continue;
    ids.push(id);
    return end;
  }
  return start;
}

function isTooLong(word: string): boolean {
  if (word.length <= LONGEST_WORD_CODE_POINTS) return false;
  let codePoints = 0;
  for (const _ of word) {
    codePoints += 1;
    if (codePoints > LONGEST_WORD_CODE_POINTS) return true;
  }
  return false;
}
