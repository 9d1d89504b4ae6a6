/** @file Tests. CSV, TSV and JSONL tables of any columns: what is told from the header, what is read, what is refused. */
import { describe, expect, it } from 'vitest';
import { missingShared, sharedPath } from '../../../support/sharedData.ts';
import { brief, briefRows, fileWith, read } from '../../../support/sourceRows.ts';
import { studioRejectionOf } from '../../../support/studioErrorOf.ts';

describe('CSV', () => {
  it('has quotes, doubled quotes, delimiters and line breaks in quotes', async () => {
    const text =
      'premise,hypothesis,label\r\n' +
      '"A man, a plan","She said ""no""\r\nand left",neutral\r\n' +
      'It is 5" tall,"",entailment\r\n' +
      '"a\n\nb",c,contradiction\r\n' +
      'plain,row,neutral';
    expect(await briefRows(fileWith('a.csv', text))).toEqual([
      "2 ? 2 A man , a plan | She said `` no '' and left",
      '4 rejected: empty sentence',
      '5 ? 1 a b | c',
      '8 ? 2 plain | row',
    ]);
  });

  it('loses only the row whose quote is never closed', async () => {
    const rows = Array.from({ length: 3000 }, (_, at) => `first ${at},second,${at % 2 ? 'yes' : 'no'}`);
    rows[10] = '"never closed,second,yes';
    rows[500] = 'fine,"quoted, text",no';
    const read3000 = await briefRows(fileWith('a.csv', `text1,text2,label\n${rows.join('\n')}\n`));
    expect(read3000.length).toBe(3000);
    expect(read3000.filter((row) => row.includes('rejected'))).toEqual(['12 rejected: unclosed quote']);
    expect(read3000[500]).toBe('502 ? 0 fine | quoted , text');
  });

  it.each([
    ['at the end of the file', 'a,b,x\nc,d,y\n"open,e,x\n', '4 rejected: unclosed quote'],
    ['in a last line that was cut off', 'a,b,x\nc,d,y\n"op', '4 rejected: truncated last line'],
    ['a last line that was cut off', 'a,b,x\nc,d,y\ne,f', '4 rejected: truncated last line'],
    ['too few columns', 'a,b,x\nc,d,y\ne,f\n', '4 rejected: wrong column count'],
    ['too many columns', 'a,b,x\nc,d,y\ne,f,x,\n', '4 rejected: wrong column count'],
    ['a quoted row with too few columns', 'a,b,x\nc,d,y\n"e",f\n', '4 rejected: wrong column count'],
    [
      'a quoted line over the limit',
      `a,b,x\nc,d,y\n"${'e'.repeat(70_000)}",f,x\n`,
      '4 rejected: line too long',
    ],
  ])('%s', async (_name, body, expected) => {
    const rows = await briefRows(fileWith('a.csv', `text1,text2,label\n${body}`));
    expect(rows).toEqual(['2 ? 0 a | b', '3 ? 1 c | d', expected]);
  });

  it('rejects a line that is not UTF-8 inside quotes, and goes on', async () => {
    const bytes = Buffer.from('text1,text2,label\na,b,x\n"c\nX",d,y\ne,f,y\n');
    bytes[bytes.indexOf('X')] = 0xff;
    expect(await briefRows(fileWith('a.csv', bytes))).toEqual([
      '2 ? 0 a | b',
      '3 rejected: unclosed quote',
      '4 rejected: invalid UTF-8',
      '5 ? 1 e | f',
    ]);
  });

  it.each([';', '\t'])('may have %j between columns', async (delimiter) => {
    const text = ['text;label', '"one; two";good', 'three, four;bad', '']
      .join('\n')
      .replaceAll(';', delimiter);
    expect(await briefRows(fileWith('a.csv', text))).toEqual([
      `2 ? 1 one${delimiter === ';' ? ' ;' : ''} two`,
      '3 ? 0 three , four',
    ]);
  });
});

describe('TSV', () => {
  it('knows no quotes', async () => {
    const text =
      'sentence1\tsentence2\tgold_label\n"He said\t"yes"\tneutral\nA man.\tA dog.\tcontradiction\n';
    expect(await briefRows(fileWith('a.tsv', text))).toEqual([
      "2 ? 1 `` He said | `` yes ''",
      '3 ? 0 A man . | A dog .',
    ]);
  });
});

describe('JSONL', () => {
  it('takes text, numbers and booleans, and nothing else', async () => {
    const lines = [
      { text: 'a', label: 1 },
      { label: 0, more: { deep: [1] }, text: 'b\nc\u2028d' },
      { text: 5, label: true },
      { text: null, label: 0 },
      { text: ['a'], label: 0 },
      { label: 0 },
    ].map((object) => JSON.stringify(object));
    const text = [...lines, '[1]', 'null', '{"text": "x", "label": 1', '', '{"text": "cut'].join('\n');
    expect(
      await briefRows(fileWith('a.jsonl', text), { mapping: { labels: { '0': 'no', '1': 'yes' } } }),
    ).toEqual([
      '1 ? 1 a',
      '2 ? 0 b c d',
      '3 rejected: unknown label',
      '4 rejected: empty sentence',
      '5 rejected: missing column',
      '6 rejected: missing column',
      '7 rejected: not a JSON object',
      '8 rejected: not a JSON object',
      '9 rejected: not a JSON object',
      '11 rejected: truncated last line',
    ]);
  });

  it('is deep without harm', async () => {
    const deep = `{"text": "b", "label": 1, "x": ${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    expect(await briefRows(fileWith('a.jsonl', `{"text": "a", "label": 0}\n${deep}\n`))).toEqual([
      '1 ? 0 a',
      '2 ? 1 b',
    ]);
  });
});

describe('names that mean something to JavaScript', () => {
  it.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString'])(
    '%s is a label, a column and a word',
    async (name) => {
      const mapping = { premise: name, hypothesis: 'other', label: 'valueOf' };
      const table = `${name}\tother\tvalueOf\n${name} a\tb\t${name}\nc\td\tplain\n`;
      const json = `{"${name}": "${name} a", "other": "b", "valueOf": "${name}"}\n{"${name}": "c", "other": "d", "valueOf": "plain"}\n`;
      for (const path of [fileWith('a.tsv', table), fileWith('a.jsonl', json)]) {
        const { source, rows } = await read(path, { mapping });
        expect(source.labels).toEqual([name, 'plain'].toSorted());
        expect(Object.hasOwn(source.mapping.labels, name)).toBe(true);
        expect(JSON.parse(JSON.stringify(source.mapping.labels))).toEqual(source.mapping.labels);
        expect(rows.map(brief).map((row) => row.replace(/^\d \? \d /, ''))).toEqual([
          `${name} a | b`,
          'c | d',
        ]);
      }
      const inherited = fileWith(
        'a.jsonl',
        '{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n{"label": "x"}\n',
      );
      const error = await studioRejectionOf(read(inherited, { mapping: { premise: name } }));
      expect(error.code).toBe('USAGE');
    },
  );

  it('an absent __proto__ key is missing, not inherited', async () => {
    const json = '{"__proto__": "a", "label": "x"}\n{"__proto__": "b", "label": "y"}\n{"label": "x"}\n';
    expect(
      await briefRows(fileWith('a.jsonl', json), { mapping: { premise: '__proto__', label: 'label' } }),
    ).toEqual(['1 ? 0 a', '2 ? 1 b', '3 rejected: missing column']);
  });
});

describe.each([
  ['mnli', 'mnli_dev_matched.tsv', 9815, ['entailment', 'contradiction', 'neutral'], false],
  ['mnli', 'mnli_train_subset_tokenised.tsv', 19_999, ['entailment', 'contradiction', 'neutral'], true],
  ['hans', 'hans_eval_30k.tsv', 30_000, ['entailment', 'non-entailment'], true],
])('%s/%s', (folder, name, pairs, labels, tokenised) => {
  const missing = missingShared('data', folder, name);
  it.skipIf(missing !== null)(
    `loads without being told anything${missing === null ? '' : ` (skipped: ${missing})`}`,
    async () => {
      const { source, rows } = await read(sharedPath('data', folder, name));
      expect(source.labels).toEqual(labels);
      expect(source.mapping.tokenised).toBe(tokenised);
      expect(rows.filter((row) => row.kind === 'pair').length).toBe(pairs);
    },
  );
});
