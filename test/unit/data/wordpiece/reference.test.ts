/** @file Tests. WordPiece against the reference tokenizer: hard strings, every code point, random strings, pairs. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodePair } from '../../../../main/data/encoding.ts';
import { normalise, wordsOf } from '../../../../main/data/wordpiece/normalise.ts';
import { keepLongestFirst, WordPiecePairs } from '../../../../main/data/wordpiece/wordPiecePairs.ts';
import { WordPieceTokenizer } from '../../../../main/data/wordpiece/wordPieceTokenizer.ts';
import { WordPieceVocabulary } from '../../../../main/data/wordpiece/wordPieceVocabulary.ts';
import { readFixture } from '../../../golden/fixtures.ts';

const fixture = readFixture('wordpiece.json');
const vocabulary = new WordPieceVocabulary(fixture.vocabulary, 'the fixture');
const tokenizers = fixture.settings.map((settings) => new WordPieceTokenizer(vocabulary, settings));

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

describe('hard strings', () => {
  it.each(fixture.strings)('$text', ({ text, normalised, words, ids }) => {
    for (const [at, settings] of fixture.settings.entries()) {
      const ours = normalise(text, settings);
      expect(ours, JSON.stringify(settings)).toBe(normalised[at]);
      expect(wordsOf(ours), JSON.stringify(settings)).toEqual(words[at]);
      expect(tokenizers[at]!.ids(text), JSON.stringify(settings)).toEqual(ids[at]);
    }
  });

  it('half a surrogate pair is dropped like other characters that are no text', () => {
    for (const tokenizer of tokenizers) {
      expect(tokenizer.ids('a\ud800 d\udc00og \ude00\ud83d')).toEqual(tokenizer.ids('a dog '));
      expect(tokenizer.ids('\ud83d[SEP]\ude00')).toEqual([vocabulary.sep]);
    }
  });

  it('without [MASK] in the vocabulary, its name is text like any other', () => {
    const tokens = fixture.vocabulary.filter((token) => token !== '[MASK]');
    const small = new WordPieceVocabulary(tokens, 'this test');
    expect(small.mask).toBeNull();
    const ids = new WordPieceTokenizer(small, { lowercase: true, stripAccents: true }).ids('[MASK][SEP]');
    expect([tokens[ids[0]!], tokens[ids.at(-2)!], ids.at(-1)]).toEqual(['[', ']', small.sep]);
  });

  it('endless input takes time in proportion to its length', () => {
    const parts = ['a', 'the ', 'xyz', '[', '[SEP]', '\u4e2d', ' ', '\u00e9', '\ud55c', '.', '\u0000'];
    // Marks that change places: Node brings a run of them in order in the square of its length.
    const marks = ['\u0301', '\u0345\u0334', '\u0f73', '\u034f\u0301', 'e\u0323\u0302'];
    const texts = [...parts, ...marks].map((part) => part.repeat(200_000));
    for (const tokenizer of tokenizers)
      for (const text of texts) expect(tokenizer.ids(text)).toBeInstanceOf(Array);
  });
});

describe('every code point', () => {
  const { block, hashes } = fixture.codePoints;

  it.each(fixture.settings.map((settings, at) => ({ ...settings, expected: hashes[at]! })))(
    'lower case $lowercase, accents stripped $stripAccents',
    ({ expected, ...settings }) => {
      const wrong = expected.flatMap((hash, at) => {
        const codes = Array.from({ length: block }, (_, offset) => at * block + offset);
        const characters = codes
          .filter((code) => code < 0xd800 || code > 0xdfff)
          .map((code) => String.fromCodePoint(code));
        const normalised = normalise(characters.map((c) => `x${c}y x${c}`).join(' '), settings);
        const found = shortHash(`${normalised}\n${wordsOf(normalised).join('\x1f')}`);
        return found === hash ? [] : [`from U+${(at * block).toString(16)}`];
      });
      expect(expected.length * block).toBe(0x110000);
      expect(wrong).toEqual([]);
    },
  );
});

/** The generator of make_wordpiece.py. */
class Random {
  #state = 1;

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return (this.#state >>> 8) % limit;
  }
}

function fuzzStrings(): string[] {
  const { strings, texts, pool } = fixture.fuzz;
  const characters = pool.split(' ').map((code) => String.fromCodePoint(Number.parseInt(code, 16)));
  const random = new Random();
  return Array.from({ length: strings }, () => {
    const parts = 1 + random.below(24);
    let text = '';
    for (let part = 0; part < parts; part++) {
      const from = random.below(3) === 0 ? texts : characters;
      text += from[random.below(from.length)]!;
    }
    return text;
  });
}

describe('random strings of troublesome characters', () => {
  const strings = fuzzStrings();

  it.each(fixture.settings.map((settings, at) => ({ ...settings, at })))(
    'lower case $lowercase, accents stripped $stripAccents',
    ({ at, ...settings }) => {
      const expected = fixture.fuzz.hashes[at]!;
      const perBlock = strings.length / expected.length;
      const found = expected.map((_, block) => {
        const records = strings.slice(block * perBlock, (block + 1) * perBlock).map((text) => {
          const normalised = normalise(text, settings);
          return `${normalised}\n${wordsOf(normalised).join('\x1f')}\n${tokenizers[at]!.ids(text).join(',')}\n`;
        });
        return shortHash(records.join(''));
      });
      expect(found).toEqual(expected);
    },
  );
});

describe('pairs', () => {
  it('are packed and cut as the reference packs and cuts them', () => {
    const uncased = fixture.settings.findIndex((each) => each.lowercase && each.stripAccents);
    for (const { premise, hypothesis, maxLen, ids, segmentStart } of fixture.pairs) {
      const what = JSON.stringify([premise, hypothesis, maxLen]);
      const encode = (longest: number) =>
        encodePair({ premise, hypothesis }, new WordPiecePairs(tokenizers[uncased]!), {
          maxLen: longest,
          truncation: 'longer-first',
        });
      const pair = encode(maxLen);
      expect([...pair.ids], what).toEqual(ids);
      expect(pair.segmentStart, what).toBe(segmentStart);
      const whole = encode(10_000);
      expect(pair.truncated, what).toBe(whole.ids.length > maxLen);
      expect(whole.truncated, what).toBe(false);
    }
  });

  it('give up tokens as the reference has it, at every length', () => {
    for (const [p, h, budget, premise, hypothesis] of fixture.truncation)
      expect(keepLongestFirst(p, h, budget), `${p} ${h} ${budget}`).toEqual({ premise, hypothesis });
  });
});
