/** @file Tests. Packing and both truncations, against the book's own loops. */
import { describe, expect, test } from 'vitest';
import { encodePair, encodePairs } from '../../../main/data/encoding.ts';
import { type Truncation, truncatePair } from '../../../main/data/truncation.ts';
import { buildVocabulary } from '../../../main/data/vocabulary.ts';
import { WordsTokenizer } from '../../../main/data/wordsTokenizer.ts';

const vocabulary = buildVocabulary(new Map([...'abcdefghij'].map((word) => [word, 1])), 1);
const { cls, sep, unk } = vocabulary;
const ids = (words: string): number[] => [...words].map((word) => vocabulary.index(word));

/** `_truncate_pair_of_tokens` of the book, on lists. */
function bookTruncation(p: number, h: number, budget: number): { premise: number; hypothesis: number } {
  const premise = Array.from({ length: p });
  const hypothesis = Array.from({ length: h });
  while (premise.length + hypothesis.length > budget) {
    if (premise.length > hypothesis.length) premise.pop();
    else hypothesis.pop();
  }
  return { premise: premise.length, hypothesis: hypothesis.length };
}

describe('truncation', () => {
  const lengths = [0, 1, 2, 3, 5, 8, 13, 14, 40, 125, 126, 300];
  const budgets = [5, 6, 13, 61, 125];
  const cases = budgets.flatMap((budget) =>
    lengths.flatMap((p) => lengths.map((h) => [p, h, budget] as const)),
  );

  test('longer-first is the book, on every length', () => {
    for (const [p, h, budget] of cases) {
      expect(truncatePair(p, h, budget, 'longer-first'), `${p} ${h} ${budget}`).toEqual(
        bookTruncation(p, h, budget),
      );
    }
  });

  test('on a tie the hypothesis gives up a token first', () => {
    expect(truncatePair(4, 4, 7, 'longer-first')).toEqual({ premise: 4, hypothesis: 3 });
  });

  test('length-ratio fills the budget, keeps a token of each sentence, and shares by length', () => {
    for (const [p, h, budget] of cases) {
      const kept = truncatePair(p, h, budget, 'length-ratio');
      const what = `${p} ${h} ${budget}`;
      expect(kept.premise + kept.hypothesis, what).toBe(Math.min(p + h, budget));
      expect(kept.premise, what).toBeGreaterThanOrEqual(Math.min(1, p));
      expect(kept.hypothesis, what).toBeGreaterThanOrEqual(Math.min(1, h));
      expect(kept.premise <= p && kept.hypothesis <= h, what).toBe(true);
      if (p + h > budget && p > 0 && h > 0 && kept.premise > 1 && kept.hypothesis > 1) {
        expect(Math.abs(kept.premise - (budget * p) / (p + h)), what).toBeLessThanOrEqual(0.5);
      }
    }
    expect(truncatePair(30, 10, 20, 'length-ratio')).toEqual({ premise: 15, hypothesis: 5 });
    expect(truncatePair(30, 10, 20, 'longer-first')).toEqual({ premise: 10, hypothesis: 10 });
  });
});

const tokenizer = new WordsTokenizer(vocabulary);

describe('packing', () => {
  const settings = (maxLen: number, truncation: Truncation = 'longer-first') => ({ maxLen, truncation });

  test('is <cls> premise <sep> hypothesis <sep>', () => {
    const pair = encodePair({ premise: 'a b z', hypothesis: 'c' }, tokenizer, settings(16));
    expect([...pair.ids]).toEqual([cls, ...ids('ab'), unk, sep, ...ids('c'), sep]);
    expect(pair).toMatchObject({ segmentStart: 5, truncated: false });
  });

  test('a pair of exactly maxLen is whole, one token more is not', () => {
    const whole = encodePair({ premise: 'a b c d', hypothesis: 'e' }, tokenizer, settings(8));
    expect(whole).toMatchObject({ truncated: false, segmentStart: 6 });
    expect(whole.ids.length).toBe(8);
    const cut = encodePair({ premise: 'a b c d', hypothesis: 'e f' }, tokenizer, settings(8));
    expect([...cut.ids]).toEqual([cls, ...ids('abc'), sep, ...ids('ef'), sep]);
    expect(cut).toMatchObject({ truncated: true, segmentStart: 5 });
  });

  test('a single sentence is <cls> sentence <sep>, all of segment 0', () => {
    const cut = encodePair({ premise: 'a b c d e f g h i j', hypothesis: null }, tokenizer, settings(8));
    expect([...cut.ids]).toEqual([cls, ...ids('abcdef'), sep]);
    expect(cut).toMatchObject({ truncated: true, segmentStart: 8 });
    const whole = encodePair({ premise: 'a b', hypothesis: null }, tokenizer, settings(8));
    expect(whole).toMatchObject({ truncated: false, segmentStart: 4 });
  });

  test('an empty sentence still has its <sep>', () => {
    expect([...encodePair({ premise: '', hypothesis: 'a' }, tokenizer, settings(8)).ids]).toEqual([
      cls,
      sep,
      ...ids('a'),
      sep,
    ]);
  });

  test('many pairs lie one after another, lower-cased, with labels 0', () => {
    const split = encodePairs(
      [
        { premise: 'A b', hypothesis: 'C' },
        { premise: 'D', hypothesis: null },
        { premise: 'a b c d e f', hypothesis: 'g h' },
      ],
      tokenizer,
      settings(8),
    );
    expect(split.pairs).toBe(3);
    expect([...split.offsets]).toEqual([0, 6, 9, 17]);
    expect([...split.segmentStarts]).toEqual([4, 3, 5]);
    expect([...split.labels]).toEqual([0, 0, 0]);
    expect(split.truncatedPairs).toBe(1);
    const expected = [
      cls,
      ...ids('ab'),
      sep,
      ...ids('c'),
      sep,
      cls,
      ...ids('d'),
      sep,
      cls,
      ...ids('abc'),
      sep,
      ...ids('gh'),
      sep,
    ];
    expect([...split.ids]).toEqual(expected);
  });

  test('no pairs are no pairs', () => {
    expect(encodePairs([], tokenizer, settings(8))).toMatchObject({ pairs: 0, offsets: Int32Array.of(0) });
  });

  test('a hundred thousand words are cut like any others', () => {
    const premise = 'a '.repeat(100_000);
    for (const truncation of ['longer-first', 'length-ratio'] as const) {
      const split = encodePairs([{ premise, hypothesis: 'b c' }], tokenizer, settings(128, truncation));
      expect(split.ids.length).toBe(128);
      expect(split.segmentStarts[0]).toBe(truncation === 'longer-first' ? 125 : 126);
    }
  });
});
