/** @file Tests. BERT's vocab.txt: what is read from it, and what is refused. */
import { describe, expect, test } from 'vitest';
import { parseVocabTxt } from '../../../../main/data/wordpiece/vocabTxt.ts';
import { readFixture } from '../../../golden/fixtures.ts';
import { studioErrorOf } from '../../../support/studioErrorOf.ts';

const fixture = readFixture('wordpiece.json');
const vocabTxt = `${fixture.vocabulary.join('\n')}\n`;

describe('vocab.txt', () => {
  const specials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'];
  const lines = (...more: string[]) => [...specials, ...more].join('\n');

  test('gives a token the number of its line', () => {
    const vocabulary = parseVocabTxt(vocabTxt, 'vocab.txt');
    expect(vocabulary.tokens).toEqual(fixture.vocabulary);
    const { pad, unk, cls, sep, mask } = vocabulary;
    const names = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
    expect([pad, unk, cls, sep, mask]).toEqual(names.map((name) => fixture.vocabulary.indexOf(name)));
  });

  test.each([
    ['without the last line break', lines('a', 'b')],
    ['with empty lines at the end', `${lines('a', 'b')}\n\n\n`],
    ['with the line breaks of Windows', `${lines('a', 'b').replaceAll('\n', '\r\n')}\r\n`],
    ['with blanks at the ends of lines', lines('a \t', 'b\u00a0\u0085')],
  ])('%s', (_what, text) => {
    expect(parseVocabTxt(text, 'vocab.txt').tokens).toEqual([...specials, 'a', 'b']);
  });

  test('keeps the id of a token that is nothing but white space, and a byte-order mark inside', () => {
    const { tokens } = parseVocabTxt(lines('\u3000', '\u2028', 'a\ufeff'), 'vocab.txt');
    expect(tokens.slice(4)).toEqual(['\u3000', '\u2028', 'a\ufeff']);
  });

  test('knows words that JavaScript objects know as tokens only when they are some', () => {
    const vocabulary = parseVocabTxt(lines('__proto__', 'constructor'), 'vocab.txt');
    expect([vocabulary.id('__proto__'), vocabulary.id('constructor'), vocabulary.id('toString')]).toEqual([
      4,
      5,
      undefined,
    ]);
  });

  test.each([
    ['that is empty', '', /holds no token/],
    ['of line breaks', '\n\n\r\n', /holds no token/],
    ['without [CLS] and [SEP]', '[PAD]\n[UNK]\n[MASK]\na', /lacks \[CLS\], \[SEP\]\./],
    ['with special tokens in small letters', '[pad]\n[unk]\n[cls]\n[sep]', /lacks \[PAD\], \[UNK\]/],
    ['with a token twice', lines('a', 'b', 'a'), /"a" twice \(ids 4 and 6/],
    ['with a token twice but for blanks', lines('a', 'a '), /"a" twice/],
    ['with an empty line', lines('a', '', 'b'), /line 6 is empty/],
    ['with an endless line', lines('a', 'b'.repeat(1001)), /line 6 has 1001 characters/],
    ['of too many lines', 'a\n'.repeat(1_000_001), /more than 1,000,000 lines/],
  ])('%s is refused', (_what, text, message) => {
    const error = studioErrorOf(() => parseVocabTxt(text, 'vocab.txt'));
    expect(error).toMatchObject({ code: 'BAD_FILE', place: { file: 'vocab.txt' } });
    expect(error.message).toMatch(message);
    expect(error.nextStep).not.toBe('');
  });
});
