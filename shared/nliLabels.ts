/** @file Runs anywhere. The words that data sets and models use for the three labels of natural language inference. */
import type { SNLI_LABELS } from './datasets.ts';

export type NliLabel = (typeof SNLI_LABELS)[number];

const NLI_WORDS: ReadonlyMap<string, NliLabel> = new Map([
  ['entailment', 'entailment'],
  ['entails', 'entailment'],
  ['entailed', 'entailment'],
  ['contradiction', 'contradiction'],
  ['contradicts', 'contradiction'],
  ['contradictory', 'contradiction'],
  ['neutral', 'neutral'],
]);

/** The book's label that a word means; undefined for any other word. */
export function nliLabel(word: string): NliLabel | undefined {
  return NLI_WORDS.get(word.trim().toLowerCase());
}
