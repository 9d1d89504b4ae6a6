/** @file Tests. The book's vocabulary: its order, its special tokens, and what is refused. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { buildVocabulary, Vocabulary, vocabularyFromJson } from '../../../main/data/vocabulary.ts';
import { studioErrorOf } from '../../support/studioErrorOf.ts';

const SPECIALS = ['<cls>', '<mask>', '<pad>', '<sep>', '<unk>'];

describe('a vocabulary that is built', () => {
  test('holds the words seen often enough and the special tokens, in code-point order', () => {
    const counts = new Map([
      ['horse', 3],
      ['!', 2],
      ['rare', 1],
      ['\u{1f600}', 2],
      ['\uffee', 2],
      ['~', 9],
    ]);
    const vocabulary = buildVocabulary(counts, 2);
    expect(vocabulary.tokens).toEqual(['!', ...SPECIALS, 'horse', '~', '\uffee', '\u{1f600}']);
    expect(vocabulary.size).toBe(10);
    expect(vocabulary.index('horse')).toBe(6);
    expect(vocabulary.index('rare')).toBe(vocabulary.unk);
    expect([vocabulary.cls, vocabulary.mask, vocabulary.pad, vocabulary.sep, vocabulary.unk]).toEqual([
      1, 2, 3, 4, 5,
    ]);
  });

  test('counts a word that is spelt like a special token once', () => {
    expect(buildVocabulary(new Map([['<unk>', 7]]), 1).tokens).toEqual(SPECIALS);
  });

  test('takes words that JavaScript objects know for ordinary words', () => {
    const vocabulary = buildVocabulary(new Map([['__proto__', 5]]), 2);
    expect(vocabulary.tokens[vocabulary.index('__proto__')]).toBe('__proto__');
    expect(vocabulary.index('constructor')).toBe(vocabulary.unk);
    expect(vocabulary.index('toString')).toBe(vocabulary.unk);
  });

  test('has the SHA-256 of its JSON array', () => {
    const vocabulary = buildVocabulary(new Map(), 1);
    expect(vocabulary.hash).toBe(createHash('sha256').update(JSON.stringify(SPECIALS)).digest('hex'));
    expect(buildVocabulary(new Map([['a', 1]]), 1).hash).not.toBe(vocabulary.hash);
  });
});

describe('a vocabulary from a file', () => {
  test('keeps the order of the file, wherever the special tokens stand', () => {
    const tokens = ['<unk>', 'b', '<sep>', '<cls>', 'a', '<pad>', '<mask>'];
    const vocabulary = vocabularyFromJson(`\ufeff${JSON.stringify(tokens)}`, { source: 'vocab.json' });
    expect(vocabulary.tokens).toEqual(tokens);
    expect([vocabulary.unk, vocabulary.sep, vocabulary.cls, vocabulary.pad, vocabulary.mask]).toEqual([
      0, 2, 3, 5, 6,
    ]);
    expect(vocabulary.toJson()).toBe(JSON.stringify(tokens));
  });

  test.each([
    ['without <cls>', '["<unk>","<pad>","<sep>","<mask>"]', /vocab\.json lacks <cls>\./],
    ['without several', '["<unk>","<pad>"]', /lacks <mask>, <cls>, <sep>\./],
    [
      'with a token twice',
      '["<unk>","<pad>","<sep>","<mask>","<cls>","a","a"]',
      /"a" twice \(entries 5 and 6/,
    ],
    ['with a number', '["<unk>",3]', /Entry 1 .* is not a string/],
    ['that is an object', '{"a":1}', /not a JSON array/],
    ['that is cut short', '["<unk>","<pa', /is not JSON/],
    ['that is empty', '', /is not JSON/],
  ])('%s is refused', (_what, text, message) => {
    const error = studioErrorOf(() => vocabularyFromJson(text, { source: 'vocab.json' }));
    expect(error).toMatchObject({ code: 'BAD_FILE', place: { file: 'vocab.json' } });
    expect(error.message).toMatch(message);
    expect(error.nextStep).not.toBe('');
  });

  test('may be large', () => {
    const tokens = [...SPECIALS, ...Array.from({ length: 60_000 }, (_, at) => `w${at}`)];
    expect(new Vocabulary(tokens, 'of this test').index('w59999')).toBe(60_004);
  });
});
