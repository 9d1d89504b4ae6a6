/** @file Tests. What people paste for a repository of a hub. */
import { expect, test } from 'vitest';
import { hubReferenceOf } from '../../../renderer/forms/hubReferenceText.ts';

test.each([
  ['google-bert/bert-base-uncased', 'hf:google-bert/bert-base-uncased'],
  [' hf:a/b@v1 ', 'hf:a/b@v1'],
  ['https://huggingface.co/a/b', 'hf:a/b'],
  ['https://huggingface.co/datasets/stanfordnlp/snli/', 'hf:stanfordnlp/snli'],
  ['https://huggingface.co/a/b/tree/refs/pr/1', 'hf:a/b@refs/pr/1'],
  ['snli', 'hf:snli'],
  ['  ', ''],
])('%j is read as %j', (typed, reference) => {
  expect(hubReferenceOf(typed)).toBe(reference);
});
