/** @file Tests. CSV, TSV and JSONL tables of any columns: what is told from the header, what is read, what is refused. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSource } from '../../../../main/data/readers/open.ts';
import { missingShared, sharedPath } from '../../../support/sharedData.ts';
import { brief, briefRows, fileWith, read } from '../../../support/sourceRows.ts';
import { studioRejectionOf } from '../../../support/studioErrorOf.ts';
import { temporaryFolder } from '../../../support/temporaryFolder.ts';

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

describe('what is told from the header', () => {
  it.each([
    ['sentence1\tsentence2\tgold_label', 'sentence1', 'sentence2', 'gold_label'],
    ['idx\tPremise\tHypothesis\tLabel', 'Premise', 'Hypothesis', 'Label'],
    [
      'pair_ID\tsentence_A\tsentence_B\tentailment_label\trelatedness_score',
      'sentence_A',
      'sentence_B',
      'entailment_label',
    ],
    ['id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate', 'question1', 'question2', 'is_duplicate'],
    ['index\tquestion\tsentence\tlabel', 'question', 'sentence', 'label'],
    ['text\tlabel', 'text', null, 'label'],
    ['label\tReview', 'Review', null, 'label'],
    ['text\thypothesis\tclass', 'text', 'hypothesis', 'class'],
  ])('%j', async (header, premise, hypothesis, label) => {
    const cells = (word: string) =>
      header
        .split('\t')
        .map((column) => (column === label ? word : 'words'))
        .join('\t');
    const { source } = await read(fileWith('a.tsv', `${header}\n${cells('a')}\n${cells('b')}\n`));
    expect(source.mapping).toMatchObject({ premise, hypothesis, label, split: null });
    expect(source.mappingGuessed).toBe(true);
  });

  it('takes tokens from *_binary_parse columns, and tokenizes where a parse is empty', async () => {
    const header =
      'index\tgenre\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1\tsentence2\tlabel1\tgold_label';
    const rows = [
      '0\tfiction\t( A ( b . ) )\t( C ( d . ) )\tA b.\tC d.\tneutral\tneutral',
      "1\tfiction\t\t( C ( d . ) )\tIt's x.\tC d.\tneutral\tcontradiction",
      '2\tfiction\t( A )\t( B )\tA\tB\tneutral\t-',
    ];
    const { source, rows: read1 } = await read(fileWith('mnli.txt', `${[header, ...rows].join('\n')}\n`));
    expect(source.format).toBe('tsv');
    expect(source.labels).toEqual(['contradiction', 'neutral']);
    expect(read1.map(brief)).toEqual(['2 ? 1 A b . | C d .', "3 ? 0 It 's x . | C d .", '4 unlabelled']);
    const objects = rows.map((row) =>
      JSON.stringify(
        Object.fromEntries(header.split('\t').map((column, at) => [column, row.split('\t')[at]])),
      ),
    );
    const fromJson = await briefRows(fileWith('mnli.jsonl', `${objects.join('\n')}\n`));
    expect(fromJson.map((row) => row.slice(1))).toEqual(read1.map((row) => brief(row).slice(1)));
  });

  it('reads a split column, and rejects words that are no split', async () => {
    const text = 'split,text,label\nTRAIN,a,x\nvalidation,b,y\ntest,c,x\nholdout,d,y\n';
    expect(await briefRows(fileWith('a.csv', text))).toEqual([
      '2 train 0 a',
      '3 dev 1 b',
      '4 test 0 c',
      '5 rejected: unknown split',
    ]);
  });

  it('sees when sentences are split into tokens already', async () => {
    const rows = (end: string) =>
      Array.from({ length: 40 }, (_, at) => `It is n't ${at}${end}\t${at % 2}`).join('\n');
    const split = await read(fileWith('a.tsv', `text\tlabel\n${rows(' .')}\n`));
    expect(split.source.mapping.tokenised).toBe(true);
    const whole = await read(fileWith('a.tsv', `text\tlabel\n${rows('.')}\n`));
    expect(whole.source.mapping.tokenised).toBe(false);
    expect(brief(whole.rows[0]!)).toBe("2 ? 0 It is n't 0 .");
    const given = await read(fileWith('a.tsv', `text\tlabel\n${rows('.')}\n`), {
      mapping: { tokenised: true },
    });
    expect(brief(given.rows[0]!)).toBe("2 ? 0 It is n't 0.");
  });

  it('can be said instead', async () => {
    const text = 'a,b,c,d\nx y,z w,1,train\nx,z,0,test\n';
    const mapping = {
      premise: 'b',
      hypothesis: 'a',
      label: 'c',
      split: 'd',
      labels: { '1': 'neutral', '0': 'entailment' },
    };
    const { source, rows } = await read(fileWith('t.csv', text), { mapping });
    expect(source.mappingGuessed).toBe(false);
    expect(source.labels).toEqual(['entailment', 'neutral']);
    expect(rows.map(brief)).toEqual(['2 train 1 z w | x y', '3 test 0 z | x']);
    const single = await read(fileWith('t.csv', text), { mapping: { premise: 'b', label: 'c' } });
    expect(single.source.mapping.hypothesis).toBe(null);
  });
});

describe('labels', () => {
  const table = (words: readonly string[]) =>
    `text\tlabel\n${words.map((word, at) => `w${at}\t${word}`).join('\n')}\n`;
  const labelsOf = async (words: readonly string[]) => (await read(fileWith('a.tsv', table(words)))).source;

  it.each([
    [
      ['neutral', 'contradiction', 'entailment'],
      ['entailment', 'contradiction', 'neutral'],
    ],
    [
      ['Neutral', 'ENTAILMENT', 'contradictory', '-'],
      ['entailment', 'contradiction', 'neutral'],
    ],
    [
      ['neutral', 'entails'],
      ['entailment', 'neutral'],
    ],
    [
      ['non-entailment', 'entailment'],
      ['entailment', 'non-entailment'],
    ],
    [
      ['10', '9', '2'],
      ['2', '9', '10'],
    ],
    [
      ['1', '0', '-1'],
      ['0', '1'],
    ],
    [
      ['b', 'a', 'C'],
      ['C', 'a', 'b'],
    ],
    [
      ['5.0', '-1', '2.5'],
      ['-1', '2.5', '5.0'],
    ],
  ])('%j become %j, whatever the order of rows', async (words, labels) => {
    const [one, other] = [await labelsOf(words), await labelsOf(words.toReversed())];
    expect(one.labels).toEqual(labels);
    expect(other.labels).toEqual(labels);
    expect(JSON.stringify(other.mapping)).toBe(JSON.stringify(one.mapping));
  });

  it('takes rare other words beside the three of NLI for errors', async () => {
    const words = Array.from({ length: 99 }, (_, at) => ['neutral', 'contradiction', 'entailment'][at % 3]!);
    const { source, rows } = await read(fileWith('a.tsv', table([...words, 'nuetral'])));
    expect(source.labels.length).toBe(3);
    expect(brief(rows.at(-1)!)).toBe('101 rejected: unknown label');
  });

  it('counts -1 among numbers as unlabelled', async () => {
    expect(await briefRows(fileWith('a.tsv', table(['1', '0', '-1', ''])))).toEqual([
      '2 ? 1 w0',
      '3 ? 0 w1',
      '4 unlabelled',
      '5 rejected: empty label',
    ]);
  });

  it.each([
    ['one class', ['a', 'a'], /only the label a/],
    ['no class', ['-', ''], /no label at all/],
    ['too many classes', Array.from({ length: 101 }, (_, at) => `l${at}`), /more than 100/],
  ])('refuses %s', async (_name, words, said) => {
    const error = await studioRejectionOf(labelsOf(words));
    expect(error.code).toBe('BAD_FILE');
    expect(error.message).toMatch(said);
  });

  it('takes 100 classes', async () => {
    expect((await labelsOf(Array.from({ length: 100 }, (_, at) => `l${at}`))).labels.length).toBe(100);
  });

  it('refuses a given mapping with one class', async () => {
    const error = await studioRejectionOf(
      read(fileWith('a.tsv', table(['a', 'b'])), { mapping: { labels: { a: 'x', b: 'x' } } }),
    );
    expect(error.code).toBe('USAGE');
  });
});

describe('a folder of tables', () => {
  it('may have its columns in different orders, and labels are those of all files', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'train.csv'), 'text,label\na,x\nb,z\n');
    writeFileSync(join(folder, 'test.csv'), 'label,text\ny,c\n');
    const { source, rows } = await read(folder);
    expect(source.labels).toEqual(['x', 'y', 'z']);
    expect(rows.map(brief)).toEqual(['2 train 0 a', '3 train 2 b', '2 test 1 c']);
  });
  it('is refused when a file lacks a column', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'train.csv'), 'text,label\na,x\nb,z\n');
    writeFileSync(join(folder, 'test.csv'), 'text\nc\n');
    const error = await studioRejectionOf(openSource(folder));
    expect([error.code, error.place?.file]).toEqual(['BAD_FILE', join(folder, 'test.csv')]);
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
