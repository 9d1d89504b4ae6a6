/** @file Runs anywhere. The nouns of texts to pretrain on. */
import type { Split } from './datasets.ts';

export const TEXT_LAYOUTS = ['wikitext', 'plain'] as const;
/**
 * `wikitext`: a paragraph a line, already split into words, sentences divided by " . ". `plain`: anything else;
 * paragraphs are divided by empty lines.
 */
export type TextLayout = (typeof TEXT_LAYOUTS)[number];

export interface TextCounts {
  readonly paragraphs: number;
  readonly sentences: number;
  readonly words: number;
}

/** A text in the studio. */
export interface TextRecord {
  readonly name: string;
  /** SHA-256 of its paragraphs, sentences and words. */
  readonly contentHash: string;
  readonly layout: TextLayout;
  /** The file or folder that it was read from. */
  readonly source: string;
  /** ISO time. */
  readonly addedAt: string;
  readonly splits: Readonly<Record<Split, TextCounts>>;
}

/** What pretraining answers about two sentences, in the order of the classes. */
export const NEXT_SENTENCE_LABELS = ['any sentence', 'the next sentence'] as const;
