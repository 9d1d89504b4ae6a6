/** @file Runs anywhere. What of a pair makes it easy or hard: its length, negation, words in common. Pure functions. */

/** Words that turn a sentence round. Tokens of the Treebank: "isn't" is "is n't" there; text that is not split is met too. */
const NEGATIONS: ReadonlySet<string> = new Set([
  'not',
  'no',
  "n't",
  'n\u2019t',
  'never',
  'nobody',
  'nothing',
  'none',
  'nowhere',
  'without',
  'neither',
  'nor',
  'cannot',
]);
const CONTRACTED_NOT = /n['\u2019]t$/;
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;
/** The Treebank's brackets have letters and are no words. */
const BRACKET = /^-[lr][rsc]b-$/;

export interface PairTraits {
  /** Words of both sentences; punctuation is not counted. */
  readonly length: number;
  /** A negation in the hypothesis, or in the only sentence. */
  readonly negation: boolean;
  /** Share of the hypothesis' words that stand in the premise, 0 to 1; null where there is nothing to compare. */
  readonly overlap: number | null;
}

/** Of tokens joined by white space; whatever the case. */
export function pairTraits(premise: string, hypothesis: string | null): PairTraits {
  const premiseWords = wordsOf(premise);
  if (hypothesis === null)
    return { length: premiseWords.length, negation: premiseWords.some(isNegation), overlap: null };
  const hypothesisWords = wordsOf(hypothesis);
  return {
    length: premiseWords.length + hypothesisWords.length,
    negation: hypothesisWords.some(isNegation),
    overlap: wordOverlap(premiseWords, hypothesisWords),
  };
}

/** Lower-cased tokens that hold a letter or a digit. */
function wordsOf(tokens: string): string[] {
  return tokens.toLowerCase().split(/\s+/).filter(isWord);
}

function isWord(token: string): boolean {
  const code = token.charCodeAt(0);
  // Nearly every token begins with a plain letter, and a regular expression takes twenty times as long.
  if (code >= 0x61 && code <= 0x7a) return true;
  return LETTER_OR_DIGIT.test(token) && !BRACKET.test(token);
}

function isNegation(word: string): boolean {
  return NEGATIONS.has(word) || CONTRACTED_NOT.test(word);
}

/** Every occurrence counts: "the dog sees the cat" has five words. */
function wordOverlap(premise: readonly string[], hypothesis: readonly string[]): number | null {
  if (hypothesis.length === 0) return null;
  const known = new Set(premise);
  return hypothesis.filter((word) => known.has(word)).length / hypothesis.length;
}
