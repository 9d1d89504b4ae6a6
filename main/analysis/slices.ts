/** @file Runs anywhere. Where a model errs: kinds of pairs, each with a filter that shows its mistakes. Pure functions. */
import { type ErrorFilter, type ErrorSlice, errorFilterSchema } from '../../shared/contract/errorAnalysis.ts';
import { type AnalysedPairs, chosenExamples } from './selection.ts';

const SHORT_WORDS = 20;
const LONG_WORDS = 40;
/**
 * Overlaps are quotients of small whole numbers, and both ends of a filter belong to it: these bounds lie between a fifth
 * (four fifths) and the nearest quotient that a sentence can have.
 */
const BELOW_A_FIFTH = 0.199_999;
const ABOVE_FOUR_FIFTHS = 0.800_001;

interface SliceKind {
  readonly key: string;
  readonly name: string;
  readonly filter: Partial<ErrorFilter>;
}

const LENGTHS: readonly SliceKind[] = [
  { key: 'short', name: `up to ${SHORT_WORDS} words`, filter: { lengthTo: SHORT_WORDS } },
  {
    key: 'medium',
    name: `${SHORT_WORDS + 1} to ${LONG_WORDS} words`,
    filter: { lengthFrom: SHORT_WORDS + 1, lengthTo: LONG_WORDS },
  },
  { key: 'long', name: `over ${LONG_WORDS} words`, filter: { lengthFrom: LONG_WORDS + 1 } },
];
const OVERLAPS: readonly SliceKind[] = [
  { key: 'lowOverlap', name: 'word overlap under 20 %', filter: { overlapTo: BELOW_A_FIFTH } },
  { key: 'mediumOverlap', name: 'word overlap 20 to 80 %', filter: { overlapFrom: 0.2, overlapTo: 0.8 } },
  { key: 'highOverlap', name: 'word overlap over 80 %', filter: { overlapFrom: ABOVE_FOUR_FIFTHS } },
];

function kindsFor(sentencesPerExample: 1 | 2): SliceKind[] {
  const ofPairs = sentencesPerExample === 2;
  const negation = ofPairs ? 'negation in the hypothesis' : 'negation';
  return [
    { key: 'negation', name: negation, filter: { negation: true } },
    ...LENGTHS,
    ...(ofPairs ? OVERLAPS : []),
    { key: 'all', name: 'all', filter: {} },
  ];
}

/** Counts over the whole split, whatever a person has filtered. */
export function slicesOf(pairs: AnalysedPairs, sentencesPerExample: 1 | 2): ErrorSlice[] {
  return kindsFor(sentencesPerExample).map(({ key, name, filter: part }) => {
    const filter = errorFilterSchema.parse(part);
    const inSlice = chosenExamples(pairs, { ...filter, correctness: 'all' }, null);
    return { key, name, filter, pairs: inSlice.length, wrong: chosenExamples(pairs, filter, null).length };
  });
}
