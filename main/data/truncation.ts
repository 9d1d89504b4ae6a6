/** @file Runs anywhere. Which tokens of a pair that is too long are kept. */

/** Which sentence of a pair gives up tokens when it is too long; see `truncatePair`. */
export type Truncation = 'longer-first' | 'length-ratio';

export interface EncodingSettings {
  /** Longest pair in tokens, special tokens included. */
  readonly maxLen: number;
  readonly truncation: Truncation;
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

/** How much of each text is kept, of `premise` and `hypothesis` (null: there is none) tokens, by the book's rules. */
export function keptTokens(
  premise: number,
  hypothesis: number | null,
  { maxLen, truncation }: EncodingSettings,
): KeptTokens {
  return hypothesis === null
    ? { premise: Math.min(premise, maxLen - 2), hypothesis: 0 }
    : truncatePair(premise, hypothesis, maxLen - 3, truncation);
}
