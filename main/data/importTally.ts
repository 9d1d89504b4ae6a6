/** @file Runs anywhere under Node. Counts what an import sees, row by row, and makes its report. */
import {
  type ImportReport,
  type RejectedRows,
  SPLITS,
  type Split,
  type SplitReport,
} from '../../shared/datasets.ts';
import type { PairText } from './exampleBlocks.ts';
import { PairTable } from './pairTable.ts';
import { buildVocabulary } from './vocabulary.ts';
import { lowerWords } from './words.ts';

/** Upper ends of the length histogram's buckets, special tokens included; the last bucket is open. */
const LENGTH_BUCKETS = [
  8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 192, 256, 384, 512,
];
const FIRST_PLACES = 5;

/** Places of rejected rows, by reason. */
export class RejectionTally {
  readonly #reasons = new Map<string, { count: number; first: { file: string; line: number }[] }>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(reason: string, place: { file: string; line: number }, count = 1): void {
    let entry = this.#reasons.get(reason);
    if (entry === undefined) {
      entry = { count: 0, first: [] };
      this.#reasons.set(reason, entry);
    }
    entry.count += count;
    if (entry.first.length < FIRST_PLACES) entry.first.push({ file: place.file, line: place.line });
    this.#count += count;
  }

  /** The commonest reason first. */
  list(): RejectedRows[] {
    const reasons = [...this.#reasons].map(([reason, { count, first }]) => ({ reason, count, first }));
    return reasons.sort((left, right) => right.count - left.count);
  }
}

/** Everything about the accepted pairs that the report tells; memory grows with distinct words and pairs, not with text. */
export class PairTally {
  readonly #labelCounts = new Map<Split, number[]>();
  readonly #words = new Map<Split, Map<string, number>>();
  readonly #pairs = new PairTable();
  readonly #lengths = new Map<number, number>();
  readonly #across = new Map<string, number>();
  #duplicateRows = 0;

  add(split: Split, pair: PairText): void {
    const labels = getOrMake(this.#labelCounts, split, () => []);
    labels[pair.label] = (labels[pair.label] ?? 0) + 1;
    const counts = getOrMake(this.#words, split, () => new Map());
    let tokens = countWords(pair.premise.tokens, counts);
    if (pair.hypothesis !== null) tokens += countWords(pair.hypothesis.tokens, counts);
    const length = tokens + (pair.hypothesis === null ? 2 : 3);
    this.#lengths.set(length, (this.#lengths.get(length) ?? 0) + 1);
    this.#notePair(split, pair);
  }

  rows(split: Split): number {
    return sum(this.#labelCounts.get(split) ?? []);
  }

  get allRows(): number {
    return sum(SPLITS.map((split) => this.rows(split)));
  }

  /** Occurrences of each lower-cased word of a split; null when the split has no rows. */
  wordCounts(split: Split): ReadonlyMap<string, number> | null {
    return this.#words.get(split) ?? null;
  }

  /** The part of the report that these counts decide. */
  report(labels: readonly string[], minFrequency: number): PairReport {
    return {
      labels,
      splits: this.#splitReports(labels.length),
      duplicateRows: this.#duplicateRows,
      acrossSplits: this.#acrossSplits(),
      lengthHistogram: this.#histogram(),
      lengthQuantiles: this.#quantiles(),
      unknownTokenShare: this.#unknownShare(minFrequency),
    };
  }

  #notePair(split: Split, pair: PairText): void {
    const number = SPLITS.indexOf(split);
    const before = this.#pairs.add(pair.premise.tokens, pair.hypothesis?.tokens ?? null, number);
    if (before === 0) return;
    if ((before & (1 << number)) !== 0) {
      this.#duplicateRows += 1;
      return;
    }
    for (const [other, name] of SPLITS.entries()) {
      if ((before & (1 << other)) === 0) continue;
      const key = [name, split].sort((left, right) => SPLITS.indexOf(left) - SPLITS.indexOf(right)).join(' ');
      this.#across.set(key, (this.#across.get(key) ?? 0) + 1);
    }
  }

  #splitReports(classes: number): SplitReport[] {
    return SPLITS.filter((split) => this.#labelCounts.has(split)).map((split) => {
      const counts = this.#labelCounts.get(split) ?? [];
      return {
        split,
        rows: this.rows(split),
        labelCounts: Array.from({ length: classes }, (_, label) => counts[label] ?? 0),
      };
    });
  }

  #acrossSplits(): ImportReport['acrossSplits'] {
    const found = [...this.#across].map(([key, pairs]) => ({
      splits: key.split(' ') as unknown as [Split, Split],
      pairs,
    }));
    return found.sort((left, right) => right.pairs - left.pairs);
  }

  #histogram(): ImportReport['lengthHistogram'] {
    const buckets = [...LENGTH_BUCKETS, null].map((to, at) => ({
      from: (LENGTH_BUCKETS[at - 1] ?? 0) + 1,
      to,
      pairs: 0,
    }));
    for (const [length, pairs] of this.#lengths) {
      const bucket = buckets.find(({ to }) => to === null || length <= to);
      if (bucket !== undefined) bucket.pairs += pairs;
    }
    return buckets;
  }

  /** Nearest rank: the smallest length that at least this share of the pairs does not exceed. */
  #quantiles(): ImportReport['lengthQuantiles'] {
    const lengths = [...this.#lengths].sort(([left], [right]) => left - right);
    const total = sum(lengths.map(([, pairs]) => pairs));
    const at = (share: number): number => {
      let seen = 0;
      for (const [length, pairs] of lengths) {
        seen += pairs;
        if (seen >= share * total) return length;
      }
      return 0;
    };
    return { median: at(0.5), p95: at(0.95), p99: at(0.99), max: lengths.at(-1)?.[0] ?? 0 };
  }

  #unknownShare(minFrequency: number): ImportReport['unknownTokenShare'] {
    const train = this.#words.get('train');
    if (train === undefined) return { minFrequency, vocabularySize: 0, dev: 0, test: 0 };
    const vocabulary = buildVocabulary(train, minFrequency);
    const share = (split: Split): number => {
      let unknown = 0;
      let all = 0;
      for (const [word, count] of this.#words.get(split) ?? []) {
        all += count;
        if (!vocabulary.has(word)) unknown += count;
      }
      return all === 0 ? 0 : unknown / all;
    };
    return { minFrequency, vocabularySize: vocabulary.size, dev: share('dev'), test: share('test') };
  }
}

export type PairReport = Pick<
  ImportReport,
  | 'labels'
  | 'splits'
  | 'duplicateRows'
  | 'acrossSplits'
  | 'lengthHistogram'
  | 'lengthQuantiles'
  | 'unknownTokenShare'
>;

function countWords(sentence: string, counts: Map<string, number>): number {
  const words = lowerWords(sentence);
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return words.length;
}

function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

function sum(numbers: readonly (number | undefined)[]): number {
  let total = 0;
  for (const number of numbers) total += number ?? 0;
  return total;
}
