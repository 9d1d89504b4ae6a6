/** @file Runs in tests. Both truncations against the golden cases. */
import { describe, expect, it } from 'vitest';
import { truncatePair } from '../../main/data/truncation.ts';
import { readFixture } from './fixtures.ts';

const { cases } = readFixture('truncation.json');

describe('truncation of a pair', () => {
  it.each(cases)('$premise and $hypothesis tokens in $maxLen', (one) => {
    const { premise: p, hypothesis: h, maxLen } = one;
    const kept = (way: 'longer-first' | 'length-ratio') => {
      const { premise, hypothesis } = truncatePair(p, h, maxLen - 3, way);
      return [premise, hypothesis];
    };
    expect(kept('longer-first'), 'as the book').toEqual(one.longerFirst);
    expect(kept('length-ratio'), 'by length ratio').toEqual(one.lengthRatio);
  });
});
