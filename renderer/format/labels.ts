/** @file Runs in the page. The colour of a label: the three of natural language inference keep theirs on every page. */

const KNOWN: ReadonlyMap<string, string> = new Map([
  ['entailment', 'entailment'],
  ['neutral', 'neutral'],
  ['contradiction', 'contradiction'],
]);
const OTHERS = ['entailment', 'contradiction', 'neutral', 'label-4', 'label-5', 'label-6'] as const;

/** A custom property such as "var(--entailment)". `at` is the label's place among its data set's. */
export function labelColour(label: string, at: number): string {
  return `var(--${KNOWN.get(label.toLowerCase()) ?? OTHERS[at % OTHERS.length]})`;
}
