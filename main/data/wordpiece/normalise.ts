/** @file Runs anywhere. BERT's normaliser and pre-tokenizer: from raw text to the words that WordPiece cuts. */
import { DROPPED, IDEOGRAPHS, lowerEach, SPACES, WORDS, withoutAccents } from './characterClasses.ts';

/** What differs between BERT's tokenizers; everything else is the same for all of them. */
export interface NormaliserSettings {
  readonly lowercase: boolean;
  /** By default what `lowercase` is. */
  readonly stripAccents: boolean;
}

const PRINTABLE_ASCII = /^[ -~]*$/;
const ASCII_WORDS = /[!-/:-@[-`{-~]|[0-9A-Za-z]+/g;

/** Cleaned text, ideographs apart, without accents, lower-cased: in the reference's order. Its only white space is " ". */
export function normalise(text: string, { lowercase, stripAccents }: NormaliserSettings): string {
  if (PRINTABLE_ASCII.test(text)) return lowercase ? text.toLowerCase() : text;
  const cleaned = text.replace(DROPPED, '').replace(SPACES, ' ').replace(IDEOGRAPHS, ' $& ');
  const plain = stripAccents ? withoutAccents(cleaned) : cleaned;
  return lowercase ? lowerEach(plain) : plain;
}

/** Words of normalised text: what stands between white space, every punctuation mark a word of its own. */
export function wordsOf(normalised: string): readonly string[] {
  return normalised.match(PRINTABLE_ASCII.test(normalised) ? ASCII_WORDS : WORDS) ?? [];
}
