/** @file Tests. As what a model's answers count on other labels. */
import { describe, expect, test } from 'vitest';
import { countedAs, isOneToOne } from '../../../shared/labelMatching.ts';

const NLI = ['entailment', 'contradiction', 'neutral'];

describe('answers count', () => {
  test.each([
    ['as themselves', NLI, NLI, [0, 1, 2]],
    ['by name in another order', NLI, ['neutral', 'entailment', 'contradiction'], [1, 2, 0]],
    ['as entailment or not, on HANS', NLI, ['entailment', 'non-entailment'], [0, 1, 1]],
    ['as entailment or not, however it is spelt', NLI, ['not_entailment', 'entailment'], [1, 0, 0]],
    [
      'as entailment or not, of a two-class model that spells it otherwise',
      ['not_entailment', 'Entailment'],
      ['entailment', 'non-entailment'],
      [1, 0],
    ],
    ['as themselves with any labels', ['a', 'b'], ['b', 'a'], [1, 0]],
    [
      'as themselves between two-class data sets',
      ['entailment', 'non-entailment'],
      ['entailment', 'non-entailment'],
      [0, 1],
    ],
  ])('%s', (_, model, dataset, counted) => {
    expect(countedAs(model, dataset)).toEqual(counted);
    expect(isOneToOne(counted)).toBe(model.every((label, at) => dataset[at] === label));
  });

  test.each([
    ['of a two-class model on three classes', ['entailment', 'non-entailment'], NLI],
    ['of other labels', ['a', 'b'], ['entailment', 'non-entailment']],
    ['of a model without entailment', ['contradiction', 'neutral'], ['entailment', 'non-entailment']],
    ['on unrelated two classes', NLI, ['entailment', 'paraphrase']],
    ['on a name that stands twice', ['a', 'a'], ['a', 'b']],
  ])('%s cannot be compared', (_, model, dataset) => {
    expect(countedAs(model, dataset)).toBeNull();
  });
});
