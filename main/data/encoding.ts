/** @file Runs anywhere under Node. From pairs of texts to token ids. */
import type { LoosePair, PairTokenizer } from './pairTokenizer.ts';
import type { EncodingSettings } from './truncation.ts';

/** Raise it when the same texts, tokenizer and settings come out as other ids: stored ids are then made anew. */
export const ENCODING_VERSION = 1;

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

/** Packs one pair; one sentence alone (hypothesis null) becomes `<cls> sentence <sep>`. */
export function encodePair(
  pair: LoosePair,
  tokenizer: PairTokenizer,
  settings: EncodingSettings,
): EncodedPair {
  const ids = new Int32Array(settings.maxLen);
  const { length, segmentStart, truncated } = tokenizer.write({ ...pair, ids, at: 0 }, settings);
  return { ids: ids.slice(0, length), segmentStart, truncated };
}

/** Collects encoded pairs in one growing buffer: for many pairs, without an array for each. */
export class PairEncoder {
  readonly #tokenizer: PairTokenizer;
  readonly #settings: EncodingSettings;
  #ids = new Int32Array(1 << 14);
  #used = 0;
  #offsets: number[] = [0];
  #segmentStarts: number[] = [];
  #labels: number[] = [];
  #truncatedPairs = 0;

  constructor(tokenizer: PairTokenizer, settings: EncodingSettings) {
    this.#tokenizer = tokenizer;
    this.#settings = settings;
  }

  /** @param premise in the form that the tokenizer reads; so is the hypothesis. */
  add(premise: string, hypothesis: string | null, label: number): void {
    this.#makeRoom(this.#settings.maxLen);
    const pair = { premise, hypothesis, ids: this.#ids, at: this.#used };
    const written = this.#tokenizer.write(pair, this.#settings);
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

/** A pair as somebody wrote it, in the form that the tokenizer reads. */
export function asRead({ premise, hypothesis }: LoosePair, tokenizer: PairTokenizer): LoosePair {
  return {
    premise: tokenizer.textOf(premise),
    hypothesis: hypothesis === null ? null : tokenizer.textOf(hypothesis),
  };
}

/** Encodes pairs that belong to no data set, for prediction; their labels are all 0. */
export function encodePairs(
  pairs: readonly LoosePair[],
  tokenizer: PairTokenizer,
  settings: EncodingSettings,
): EncodedSplit {
  const encoder = new PairEncoder(tokenizer, settings);
  for (const { premise, hypothesis } of pairs) encoder.add(premise, hypothesis, 0);
  return encoder.take();
}
