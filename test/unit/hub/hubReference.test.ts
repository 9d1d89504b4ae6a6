/** @file Tests. What names a repository of a hub, and what does not. */
import { describe, expect, test } from 'vitest';
import {
  hubReferenceText,
  isHubReference,
  nameInHub,
  parseHubReference,
} from '../../../main/hub/hubReference.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';

describe('a repository of a hub', () => {
  test.each([
    ['hf:google-bert/bert-base-uncased', 'google-bert/bert-base-uncased', null],
    ['hf:snli', 'snli', null],
    ['hf:a/b@v1.0', 'a/b', 'v1.0'],
    ['hf:a/b@refs/pr/3', 'a/b', 'refs/pr/3'],
  ])('%s is one', (text, repository, revision) => {
    expect(isHubReference(text)).toBe(true);
    expect(parseHubReference(text)).toEqual({ repository, revision });
    expect(hubReferenceText(parseHubReference(text))).toBe(text);
  });

  test.each([
    'hf:',
    'hf:a/b/c',
    'hf:../b',
    'hf:a/..',
    'hf:a/b@',
    'hf:a/b@../x',
    'hf:a/b@-x',
    'hf:a b/c',
    'hf:a/b?x',
    'hf:a--b/c',
    'hf:.a/b',
    'a/b',
    'hf:a/b#c',
    `hf:a/${'b'.repeat(97)}`,
    'hf:https://huggingface.co/a/b',
  ])('%s is none', (text) => {
    expect(studioErrorOf(() => parseHubReference(text)).code).toBe('USAGE');
  });

  test('what comes from there is called by its last part', () => {
    expect(nameInHub(parseHubReference('hf:google-bert/bert-base-uncased@main'))).toBe('bert-base-uncased');
    expect(nameInHub(parseHubReference('hf:snli'))).toBe('snli');
  });
});
