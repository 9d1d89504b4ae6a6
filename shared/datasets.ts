/** @file Runs anywhere. The nouns of data: splits, sentences, examples, data sets and import reports. */

export const SPLITS = ['train', 'dev', 'test'] as const;
export type Split = (typeof SPLITS)[number];

/** The label order of the book, `book.md` section 1: entailment 0, contradiction 1, neutral 2. */
export const SNLI_LABELS = ['entailment', 'contradiction', 'neutral'] as const;

/** Both forms of a sentence: which one is used is the choice of the model's tokenizer. */
export interface Sentence {
  /** The sentence as a person wrote it. */
  readonly raw: string;
  /** Penn Treebank tokens joined by one space: SNLI's parse without parentheses, or our tokenizer's output. */
  readonly tokens: string;
}

/** One labelled example. Single-sentence classification has `hypothesis: null`. */
export interface Example {
  readonly split: Split;
  /** Position inside its split, counted from 0, in the order of the file. */
  readonly index: number;
  readonly premise: Sentence;
  readonly hypothesis: Sentence | null;
  /** Index into the data set's `labels`. */
  readonly label: number;
}

export interface RejectedRows {
  /** Such as "wrong column count", "unknown label", "empty sentence", "invalid UTF-8", "line too long". */
  readonly reason: string;
  readonly count: number;
  /** The first few places, for a person to look at. */
  readonly first: readonly { readonly file: string; readonly line: number }[];
}

export interface SplitReport {
  readonly split: Split;
  readonly rows: number;
  /** Rows per label, in the order of `labels`. */
  readonly labelCounts: readonly number[];
}

/** What an import found; stored with the data set and shown whenever somebody asks. */
export interface ImportReport {
  readonly labels: readonly string[];
  readonly splits: readonly SplitReport[];
  /** Rows whose gold label is `-`: annotators did not agree. Counted, not errors (book.md 1). */
  readonly unlabelledRows: number;
  readonly rejected: readonly RejectedRows[];
  readonly duplicateRows: number;
  /** Pairs whose two sentences stand in two splits, with the first places in the later split. */
  readonly acrossSplits: readonly { readonly splits: readonly [Split, Split]; readonly pairs: number }[];
  /** Number of pairs with this many tokens, `<cls>` and two `<sep>` included; the last bucket is open. */
  readonly lengthHistogram: readonly {
    readonly from: number;
    readonly to: number | null;
    readonly pairs: number;
  }[];
  readonly lengthQuantiles: {
    readonly median: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
  };
  /** Share of dev and test tokens that a training vocabulary (min_freq as given) does not know; 0 to 1. */
  readonly unknownTokenShare: {
    readonly minFrequency: number;
    readonly vocabularySize: number;
    readonly dev: number;
    readonly test: number;
  };
  /** How the columns and labels were read; `guessed` when nobody gave it. */
  readonly mapping: ColumnMapping & { readonly guessed: boolean };
  /** Set when the file had no splits and we made them. */
  readonly madeSplits: { readonly seed: number; readonly shares: readonly [number, number, number] } | null;
  /** Names of files of the folder or archive that look like data and were not taken; absent when there are none. */
  readonly ignoredFiles?: readonly string[];
  readonly importedInMs: number;
}

/** Which column is what, by header name (delimited text) or key (JSONL). */
export interface ColumnMapping {
  readonly format: 'snli-txt' | 'snli-jsonl' | 'csv' | 'tsv' | 'jsonl' | 'parquet';
  readonly premise: string;
  readonly hypothesis: string | null;
  readonly label: string;
  readonly split: string | null;
  /** Text of a label in the file -> label name of the data set; identity where the file's words are kept. */
  readonly labels: Readonly<Record<string, string>>;
  /** True when the text columns are already tokenised (words and punctuation separated by spaces). */
  readonly tokenised: boolean;
}

export interface Dataset {
  readonly id: number;
  readonly name: string;
  readonly labels: readonly string[];
  readonly sentencesPerExample: 1 | 2;
  readonly rows: Readonly<Record<Split, number>>;
  /** SHA-256 over the examples in order (tokens, raw text, label, split): what a run's record refers to. */
  readonly contentHash: string;
  readonly source: string;
  /** Bumped when a reader changes what it reads from the same bytes. */
  readonly readerVersion: number;
  readonly importedAt: string;
  readonly report: ImportReport;
}
