/** @file Tests. The Treebank tokenizer on hand-made sentences, and on SNLI's own parses. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { extractText } from '../../../main/data/readers/bookText.ts';
import { tokenizeTreebank } from '../../../main/data/treebankTokenizer.ts';
import { missingShared, sharedPath } from '../../support/sharedData.ts';

describe('tokens of a sentence', () => {
  it.each([
    // clitics
    ["I can't, won't and don't. DON'T!", "I ca n't , wo n't and do n't . DO N'T !"],
    ["They're what I'd've said; it's y'all's.", "They 're what I 'd 've said ; it 's y'all 's ."],
    ["The dogs' owners' leashes and the boss's car.", "The dogs ' owners ' leashes and the boss 's car ."],
    ['don’t, the man’s, I’m', "do n't , the man 's , I 'm"],
    ["He is n't here, it 's over.", "He is n't here , it 's over ."],
    ['He cannot go; she is gonna win. Gimme that.', 'He can not go ; she is gon na win . Gim me that .'],
    ["'Tis the season, 'twas the night", "'T is the season , 't was the night"],
    ["O'Brien, o'clock, ma'am", "O'Brien , o'clock , ma'am"],
    ["rock 'n' roll in the '90s and the 80's", "rock 'n' roll in the '90s and the 80 's"],
    // abbreviations, and the period that ends the sentence
    [
      'Mr. Smith met Dr. J. R. Jones at 5 p.m. in Paris.',
      'Mr. Smith met Dr. J. R. Jones at 5 p.m. in Paris .',
    ],
    ['He lives in the U.S.', 'He lives in the U.S. .'],
    ['A U.S. Navy uniform, e.g. this one.', 'A U.S. Navy uniform , e.g. this one .'],
    ['Main St. He lives in St. Louis, on a st.', 'Main St. He lives in St. Louis , on a st .'],
    ['It is no. I said no.', 'It is no . I said no .'],
    ['The end.Next one', 'The end.Next one'],
    // ellipsis, dashes, hyphens
    ['Wait... what?! No . . . really…', 'Wait ... what ?! No ... really ...'],
    ['a song — or was it?--yes', 'a song -- or was it ? -- yes'],
    ['a well-known mid- to late-1980s song', 'a well-known mid- to late-1980s song'],
    ["This women's-only gym", "This women 's - only gym"],
    // numbers, currency, signs
    ['It costs $5.99, £3 or €20 (50% off).', 'It costs $ 5.99 , # 3 or $ 20 -LRB- 50 % off -RRB- .'],
    [
      '10,000 people at 9:30, -5 degrees, 3-2, 1/2 off, 8mm',
      '10,000 people at 9:30 , -5 degrees , 3-2 , 1/2 off , 8mm',
    ],
    ['jeans,& a t-shirt, AT&T, R&B', 'jeans , & a t-shirt , AT&T , R&B'],
    ['he/she, #9, #cool, @bob', 'he/she , # 9 , #cool , @bob'],
    ['see https://x.org/a?b=c. or me@x.org.', 'see https://x.org/a?b=c . or me@x.org .'],
    // quotes
    ['A sign reads "Lotos."', "A sign reads `` Lotos . ''"],
    ['"Hello", she said, "53:11".', "`` Hello '' , she said , `` 53:11 '' ."],
    ['He said " hello " twice', "He said `` hello '' twice"],
    ['“Hello,” he said, ‘Oh’ «ça»', "`` Hello , '' he said , ` Oh ' `` ça ''"],
    ["'hello there' he said", "` hello there ' he said"],
    // brackets
    ['football (soccer) [sic] {x}', 'football -LRB- soccer -RRB- -LSB- sic -RSB- -LCB- x -RCB-'],
    ['-LRB- split already -RRB- .', '-LRB- split already -RRB- .'],
    ['nice :)', 'nice :-RRB-'],
    // other scripts and odd characters
    ['😀👍🏽 café cafe\u0301 naïve 日本語。', '😀 👍🏽 café cafe\u0301 naïve 日本語 。'],
    ['a\u2028b\u00a0c\td\u0000e\u200bf', 'a b c d e f'],
    ['__proto__ constructor toString', '__proto__ constructor toString'],
    ['Tom &amp; Jerry &quot;run&quot;', "Tom & Jerry `` run ''"],
    ['\ud800 alone', '\ud800 alone'],
    ['', ''],
    [' \t ', ''],
  ])('%j', (raw, tokens) => {
    expect(tokenizeTreebank(raw)).toBe(tokens);
  });

  it('takes long and repetitive input without slowing down more than it grows', () => {
    for (const part of [
      'a ',
      '"',
      'Mr.',
      'a@',
      "a'",
      '1,',
      '. ',
      'A. ',
      "Mr.'",
      'x http://',
      '-1',
      '&amp;',
      '(',
      '\u0301',
    ]) {
      const tokens = tokenizeTreebank(part.repeat(30_000));
      expect(tokens.length).toBeGreaterThan(0);
      expect(tokens).not.toMatch(/ {2}|^ | $/);
    }
  });
});

const SHARED_SNLI = ['data', 'snli_1.0'] as const;
const OFFICIAL = ['data', 'snli_official_sample'] as const;
const noSnli = missingShared(...SHARED_SNLI);
const noOfficial = missingShared(...OFFICIAL);

/** Raw sentence and the book's text of its parse, for both sentences of every row. */
function sentencesOf(rows: readonly { readonly [column: string]: string }[]): [string, string][] {
  return rows.flatMap((row) =>
    ['1', '2'].map((n): [string, string] => [
      row[`sentence${n}`]!,
      extractText(row[`sentence${n}_binary_parse`]!),
    ]),
  );
}

function rowsOfText(path: string): { [column: string]: string }[] {
  const [header, ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  const columns = header!.split('\t');
  return lines.map((line) => {
    const values = line.split('\t');
    return Object.fromEntries(columns.map((column, at) => [column, values[at]!]));
  });
}

describe.skipIf(noSnli !== null)(
  `SNLI's dev and test sentences${noSnli === null ? '' : ` (skipped: ${noSnli})`}`,
  () => {
    it('are reproduced in at least 99.9 % of 39,332 cases', () => {
      const sentences = ['dev', 'test'].flatMap((split) =>
        sentencesOf(rowsOfText(sharedPath(...SHARED_SNLI, `snli_1.0_${split}.txt`))),
      );
      expect(sentences.length).toBe(39_332);
      const wrong = sentences.filter(([raw, parsed]) => tokenizeTreebank(raw) !== parsed);
      expect(1 - wrong.length / sentences.length).toBeGreaterThanOrEqual(0.999);
      // The flat parse columns of this copy have lost their brackets; the official files have -LRB- and -RRB-.
      const wrongOtherwise = wrong.filter(
        ([raw, parsed]) => tokenizeTreebank(raw).replace(/ ?-[LR]RB-/g, '') !== parsed,
      );
      expect(wrongOtherwise.length).toBeLessThanOrEqual(18);
    });
  },
);

describe.skipIf(noOfficial !== null)(
  `SNLI as published${noOfficial === null ? '' : ` (skipped: ${noOfficial})`}`,
  () => {
    it.each([
      'snli_1.0_dev.part_2566rows.jsonl',
      'snli_1.0_dev.jsonl',
      'snli_1.0_test.jsonl',
      'snli_1.0_train.jsonl',
    ])('is reproduced exactly in %s', (file) => {
      const lines = readFileSync(sharedPath(...OFFICIAL, file), 'utf8')
        .trimEnd()
        .split('\n');
      const sentences = sentencesOf(lines.map((line) => JSON.parse(line)));
      expect(sentences.filter(([raw, parsed]) => tokenizeTreebank(raw) !== parsed)).toEqual([]);
    });
  },
);
