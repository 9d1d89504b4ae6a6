/** @file Runs anywhere under Node. What stands between two texts and a model: the book's words, or BERT's pieces of words. */
import type { TokenizerKind } from '../../shared/runs.ts';
import type { EncodingSettings } from './truncation.ts';

/** Which of its two forms a stored sentence is read in: as it was written, or as the tokens of its parse. */
export type SentenceForm = 'raw' | 'tokens';

/** A pair in the form that the tokenizer reads. */
export interface LoosePair {
  readonly premise: string;
  /** null for one sentence alone */
  readonly hypothesis: string | null;
}

export interface PairToWrite extends LoosePair {
  /** Has room for maxLen ids from `at`. */
  readonly ids: Int32Array;
  readonly at: number;
}

export interface WrittenPair {
  readonly length: number;
  /** How many leading tokens have segment 0. */
  readonly segmentStart: number;
  readonly truncated: boolean;
}

/** One entry a token, in the order of the ids that the model is given. */
export interface PairTokens {
  /** From the vocabulary: special tokens included, the unknown token where it does not hold the word. */
  readonly tokens: readonly string[];
  /** The word as it was written, or the token where it is a piece of one; "" for special tokens. */
  readonly words: readonly string[];
  /** 0 for the premise with the tokens around it, 1 for the hypothesis. */
  readonly segments: readonly number[];
}

/** Plain data from which a thread or another process makes the same tokenizer (`tokenizerFromData`). */
export type TokenizerData =
  | { readonly kind: 'words'; readonly tokens: readonly string[] }
  | {
      readonly kind: 'wordpiece';
      readonly tokens: readonly string[];
      readonly lowercase: boolean;
      readonly stripAccents: boolean;
    };

export interface PairTokenizer {
  readonly kind: TokenizerKind;
  /** Ids are below it: as many rows as the model's token table must have. */
  readonly size: number;
  /** SHA-256 (hex) over everything that decides the ids. */
  readonly hash: string;
  /**
   * Longest pair in tokens that the tokenizer's files name; null when they name none. What a network can read is decided by
   * its position table; this warns of a run that reads more than its model was made for.
   */
  readonly maxLen: number | null;
  readonly reads: SentenceForm;
  /** The form it reads, of a sentence that somebody typed. */
  textOf(raw: string): string;
  /** Packs a pair: special tokens, both texts, cut to maxLen. The ids have room for maxLen from `at`. */
  write(pair: PairToWrite, settings: EncodingSettings): WrittenPair;
  /** What `write` makes ids of, for a person to look at. */
  show(pair: LoosePair, settings: EncodingSettings): PairTokens;
  toData(): TokenizerData;
  /** What a folder keeps so that `openPairTokenizer` finds the same tokenizer there: name -> bytes. */
  files(): ReadonlyMap<string, Uint8Array>;
}
