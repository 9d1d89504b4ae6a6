/** @file Runs anywhere under Node. From words to token ids, as the book packs them: `<cls> premise <sep> hypothesis <sep>`. */
import type { Vocabulary } from './vocabulary.ts';
import { lowerWords } from './words.ts';

/** Raise it when the same tokens, vocabulary and settings come out as other ids: stored ids are then made anew. */
export const ENCODING_VERSION = 1;

/** Which sentence of a pair gives up tokens when it is too long; see `truncatePair`. */
export type Truncation = 'longer-first' | 'length-ratio';

export interface EncodingSettings {
  /** Longest pair in tokens, special tokens included. */
  readonly maxLen: number;
  readonly truncation: Truncation;
}

export interface EncodedPair {
  /** Token ids, at most maxLen of them. */
  readonly ids: Int32Array;
  /** How many leading tokens have segment 0; the others have segment 1. */
  readonly segmentStart: number;
  readonly truncated: boolean;
}

/** Pairs as token ids, packed one after another. */
export interface EncodedSplit {
  readonly pairs: number;
  /** Token ids of all pairs: [offsets[pairs]]. */
  readonly ids: Int32Array;
  /** Pair i is ids[offsets[i]] to ids[offsets[i + 1] - 1]: [pairs + 1]. */
  readonly offsets: Int32Array;
  /** How many leading tokens of each pair have segment 0: [pairs]. */
  readonly segmentStarts: Int32Array;
  /** [pairs] */
  readonly labels: Int32Array;
  readonly truncatedPairs: number;
}

/** How many leading tokens of each sentence are kept. */
export interface KeptTokens {
  readonly premise: number;
  readonly hypothesis: number;
}

/**
 * How much of a pair is kept when premise + hypothesis may have at most `budget` (= maxLen - 3) tokens.
 *
 * 'longer-first' is the book's: while the pair is too long, drop the last token of the longer sentence, of the
 * hypothesis on a tie.
 *
 * 'length-ratio' is the book's exercise: each sentence keeps a share of the budget in proportion to its length,
 * and at least one token if it has any. With p and h tokens and p + h > budget:
 *
 *     keepP = min(p, max(1, floor(budget * p / (p + h) + 1/2)), budget - 1)
 *     keepH = min(h, budget - keepP)
 *     keepP = min(p, budget - keepH)
 */
export function truncatePair(p: number, h: number, budget: number, truncation: Truncation): KeptTokens {
  if (p + h <= budget) return { premise: p, hypothesis: h };
  if (truncation === 'longer-first') return dropFromLonger(p, h, budget);
  const share = Math.max(1, Math.floor((budget * p) / (p + h) + 0.5));
  const hypothesis = Math.min(h, budget - Math.min(p, share, budget - 1));
  return { premise: Math.min(p, budget - hypothesis), hypothesis };
}

function dropFromLonger(p: number, h: number, budget: number): KeptTokens {
  let premise = p;
  let hypothesis = h;
  while (premise + hypothesis > budget) {
    if (premise > hypothesis) premise -= 1;
    else hypothesis -= 1;
  }
  return { premise, hypothesis };
}

/**
 * Packs one pair. Words are looked up as they are given: lower-case them first (`lowerWords`).
 * A single sentence (hypothesis null) becomes `<cls> sentence <sep>`, cut to maxLen.
 */
export function encodePair(
  premiseTokens: readonly string[],
  hypothesisTokens: readonly string[] | null,
  vocabulary: Vocabulary,
  settings: EncodingSettings,
): EncodedPair {
  const ids = new Int32Array(settings.maxLen);
  const written = writePair({ premiseTokens, hypothesisTokens, ids, at: 0 }, vocabulary, settings);
  return {
    ids: ids.slice(0, written.length),
    segmentStart: written.segmentStart,
    truncated: written.truncated,
  };
}

interface PairToWrite {
  readonly premiseTokens: readonly string[];
  readonly hypothesisTokens: readonly string[] | null;
  /** Has room for maxLen ids from `at`. */
  readonly ids: Int32Array;
  readonly at: number;
}

interface WrittenPair {
  readonly length: number;
  readonly segmentStart: number;
  readonly truncated: boolean;
}

function writePair(
  pair: PairToWrite,
  vocabulary: Vocabulary,
  { maxLen, truncation }: EncodingSettings,
): WrittenPair {
  const { premiseTokens: p, hypothesisTokens: h, ids } = pair;
  const kept =
    h === null
      ? { premise: Math.min(p.length, maxLen - 2), hypothesis: 0 }
      : truncatePair(p.length, h.length, maxLen - 3, truncation);
  let at = pair.at;
  ids[at++] = vocabulary.cls;
  for (let word = 0; word < kept.premise; word++) ids[at++] = vocabulary.index(p[word]!);
  ids[at++] = vocabulary.sep;
  const segmentStart = at - pair.at;
  if (h !== null) {
    for (let word = 0; word < kept.hypothesis; word++) ids[at++] = vocabulary.index(h[word]!);
    ids[at++] = vocabulary.sep;
  }
  const truncated = kept.premise < p.length || (h !== null && kept.hypothesis < h.length);
  return { length: at - pair.at, segmentStart, truncated };
}

/** Collects encoded pairs in one growing buffer: for many pairs, without an array for each. */
export class PairEncoder {
  readonly #vocabulary: Vocabulary;
  readonly #settings: EncodingSettings;
  #ids = new Int32Array(1 << 14);
  #used = 0;
  #offsets: number[] = [0];
  #segmentStarts: number[] = [];
  #labels: number[] = [];
  #truncatedPairs = 0;

  constructor(vocabulary: Vocabulary, settings: EncodingSettings) {
    this.#vocabulary = vocabulary;
    this.#settings = settings;
  }

  /** @param premise tokens joined by white space, not yet lower-cased; so is the hypothesis. */
  add(premise: string, hypothesis: string | null, label: number): void {
    this.#makeRoom(this.#settings.maxLen);
    const pair = {
      premiseTokens: lowerWords(premise),
      hypothesisTokens: hypothesis === null ? null : lowerWords(hypothesis),
      ids: this.#ids,
      at: this.#used,
    };
    const written = writePair(pair, this.#vocabulary, this.#settings);
    this.#used += written.length;
    this.#offsets.push(this.#used);
    this.#segmentStarts.push(written.segmentStart);
    this.#labels.push(label);
    if (written.truncated) this.#truncatedPairs += 1;
  }

  /** What has been added since the start or the last `take`, in arrays of its own. */
  take(): EncodedSplit {
    const split = {
      pairs: this.#labels.length,
      ids: this.#ids.slice(0, this.#used),
      offsets: Int32Array.from(this.#offsets),
      segmentStarts: Int32Array.from(this.#segmentStarts),
      labels: Int32Array.from(this.#labels),
      truncatedPairs: this.#truncatedPairs,
    };
    this.#used = 0;
    this.#offsets = [0];
    this.#segmentStarts = [];
    this.#labels = [];
    this.#truncatedPairs = 0;
    return split;
  }

  #makeRoom(count: number): void {
    if (this.#used + count <= this.#ids.length) return;
    const larger = new Int32Array(Math.max(this.#ids.length * 2, this.#used + count));
    larger.set(this.#ids.subarray(0, this.#used));
    this.#ids = larger;
  }
}

/** One pair to predict: tokens joined by spaces, as `tokenizeTreebank` makes them. */
export interface LoosePair {
  readonly premise: string;
  readonly hypothesis: string | null;
}

/** Encodes pairs that belong to no data set, for prediction; their labels are all 0. */
export function encodePairs(
  pairs: readonly LoosePair[],
  vocabulary: Vocabulary,
  settings: EncodingSettings,
): EncodedSplit {
  const encoder = new PairEncoder(vocabulary, settings);
  for (const { premise, hypothesis } of pairs) encoder.add(premise, hypothesis, 0);
  return encoder.take();
}
