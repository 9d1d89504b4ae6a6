/** @file Tests. Words and their order, as Python makes them. */
import { expect, test } from 'vitest';
import { compareCodePoints, lowerWords } from '../../../main/data/words.ts';

test('splits where Python splits, and only there', () => {
  expect(lowerWords('  A person\ton a\u00a0horse .\n')).toEqual(['a', 'person', 'on', 'a', 'horse', '.']);
  expect(lowerWords('a\u001cb\u001fc\u0085d\u2003e\u3000f\u2029g')).toEqual([
    'a',
    'b',
    'c',
    'd',
    'e',
    'f',
    'g',
  ]);
  // White space for JavaScript's \s, but not for Python.
  expect(lowerWords('a\ufeffb')).toEqual(['a\ufeffb']);
  // Neither.
  expect(lowerWords('a\u200bb\u0007c\u180ed')).toEqual(['a\u200bb\u0007c\u180ed']);
  expect(lowerWords('')).toEqual([]);
  expect(lowerWords(' \t ')).toEqual([]);
});

test('lower-cases as Python does', () => {
  expect(lowerWords('ÀÉ İ ΟΔΟΣ ΟΔΟΣ.')).toEqual(['àé', 'i\u0307', 'οδος', 'οδος.']);
});

test('orders by code point, not by UTF-16 unit', () => {
  const sorted = [
    '',
    '!',
    '<unk>',
    'a',
    'aa',
    'b',
    'é',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    '\u{1f600}',
    '\u{1f600}a',
  ];
  const shuffled = [...sorted].reverse();
  expect(shuffled.sort(compareCodePoints)).toEqual(sorted);
  expect([...sorted].sort()).not.toEqual(sorted);
});
