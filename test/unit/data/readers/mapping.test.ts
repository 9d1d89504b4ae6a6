/** @file Tests. What is told from a table's header and words: columns, splits, labels, and whether texts are tokens already. */
import { describe, expect, it } from 'vitest';
import { brief, briefRows, fileWith, read } from '../../../support/sourceRows.ts';
import { studioRejectionOf } from '../../../support/studioErrorOf.ts';

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
