/** @file Runs anywhere. The nouns of imported models: what is kept beside their weights, and what an import is told. */
import type { ModelConfig } from './runs.ts';

/** The book's own BERT, and two of transformers; the same network by configuration. */
export const MODEL_FAMILIES = ['book', 'bert', 'distilbert'] as const;
export type ModelFamily = (typeof MODEL_FAMILIES)[number];

/** How a model cuts text: the book's into words, BERT's into pieces of words. */
export interface ModelTokenizer {
  readonly kind: 'words' | 'wordpiece';
  readonly tokens: number;
  /** Whether text is lower-cased first. */
  readonly lowercase: boolean;
}

export interface ModelHead {
  /** What each class means, in the order of the outputs; null while nobody has said (LABEL_0): it cannot answer then. */
  readonly labels: readonly string[] | null;
  /** Outputs. */
  readonly classes: number;
  /** What it reads: a single sentence, or a pair. */
  readonly sentences: 1 | 2;
}

/** Where a model comes from. */
export interface ModelOrigin {
  /** The path or address that was imported. */
  readonly source: string;
  /** Such as the commit of a repository; null where there is none. */
  readonly revision: string | null;
  /** Files that it was made from. */
  readonly files: readonly { readonly name: string; readonly sizeBytes: number; readonly sha256: string }[];
  /** ISO time. */
  readonly importedAt: string;
}

/** An imported model, without its weights. */
export interface ImportedModel {
  readonly name: string;
  readonly family: ModelFamily;
  readonly model: ModelConfig;
  /** null: it has none, and can be fine-tuned but not asked. */
  readonly head: ModelHead | null;
  readonly tokenizer: ModelTokenizer;
  /** Numbers in its weights. */
  readonly parameters: number;
  /** Parameters that begin at random when it is fine-tuned. */
  readonly fresh: readonly string[];
  /** As its source names it, such as "apache-2.0"; null where that says nothing. */
  readonly licence: string | null;
  readonly origin: ModelOrigin;
  /** What was left out or is odd, sentences for a person. */
  readonly notes: readonly string[];
  /** Of its folder. */
  readonly sizeBytes: number;
  /** Stands for everything in the folder. */
  readonly manifestSha256: string;
}

/** What a model that has not been imported is, as far as its configuration and shapes tell. */
export interface ModelPreview {
  readonly family: ModelFamily;
  readonly model: ModelConfig;
  readonly head: ModelHead | null;
  readonly tokenizer: ModelTokenizer;
  readonly licence: string | null;
  readonly notes: readonly string[];
  /** What an import has to be told besides: heads that no shape tells, or what the outputs mean. */
  readonly asks: readonly ('heads' | 'labels')[];
  /** A name that is free. */
  readonly suggestedName: string;
}
