/** @file Tests. The name of runs that differ in their seed. */
import { expect, it } from 'vitest';
import { sharedName } from '../../../../renderer/table/sharedName.ts';

it.each([
  [['try · seed 0, lr 1e-4', 'try · seed 1, lr 1e-4'], 'try · seed …, lr 1e-4'],
  [['seed 9', 'seed 10', 'seed 11'], 'seed …'],
  [['the same', 'the same'], 'the same'],
  [['alone'], 'alone'],
  [['baseline', 'other'], 'baseline'],
  // What differs is never shared twice.
  [['run aa', 'run aaa'], 'run aa…'],
  [[], ''],
])('%j is %s', (names, shared) => {
  expect(sharedName(names)).toBe(shared);
});
