/** @file Tests. The built-in sample: that the committed files are what the grammar gives, and that its splits are apart. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generateSample, SAMPLE_PLAN } from '../../../../main/data/sample/generate.ts';
import { labelOf, relationsOf, relationTables } from '../../../../main/data/sample/grammar.ts';
import { sampleFile, sampleFileName } from '../../../../main/data/sample/snliLayout.ts';
import { SNLI_LABELS, SPLITS, type Split } from '../../../../shared/datasets.ts';
import { QUICK } from '../../../../shared/presets.ts';

const sample = generateSample(SAMPLE_PLAN);

/** Words that carry no content of their own. */
const FUNCTION_WORDS = new Set(['a', 'an', 'the', 'is', 'in', 'on', '.']);

interface Row {
  readonly label: string;
  readonly premise: string;
  readonly hypothesis: string;
  readonly columns: readonly string[];
}

function committedText(split: Split): string {
  return readFileSync(
    new URL(`../../../../resources/sample/${sampleFileName(split)}`, import.meta.url),
    'utf8',
  );
}

/** Rows as the book reads them: text is the binary parse without its brackets. */
function readRows(split: Split): Row[] {
  const text = (parse: string) =>
    parse
      .replaceAll(/[()]/g, '')
      .replaceAll(/\s{2,}/g, ' ')
      .trim();
  return committedText(split)
    .split('\n')
    .slice(1, -1)
    .map((line) => line.split('\t'))
    .map((columns) => ({
      label: columns[0]!,
      premise: text(columns[1]!),
      hypothesis: text(columns[2]!),
      columns,
    }));
}

const rows = { train: readRows('train'), dev: readRows('dev'), test: readRows('test') };

/** The content words of both sentences in order: the premise's, a bar, the hypothesis'. */
function contentTuple({ premise, hypothesis }: Row): string {
  const content = (sentence: string) =>
    sentence
      .toLowerCase()
      .split(' ')
      .filter((word) => !FUNCTION_WORDS.has(word));
  return [...content(premise), '|', ...content(hypothesis)].join(' ');
}

describe('the committed files', () => {
  it.each(SPLITS)('are what the generator gives, byte for byte: %s', (split) => {
    expect(committedText(split) === sampleFile(split, sample[split])).toBe(true);
  });

  it('depend on the seed', () => {
    const hypotheses = { train: 50, dev: 50, test: 50 };
    const [one, again, other] = [7, 7, 8].map((seed) => generateSample({ ...SAMPLE_PLAN, seed, hypotheses }));
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it.each([
    ['train', 6000],
    ['dev', 1000],
    ['test', 1000],
  ] as const)('have rows enough, as many of each label: %s', (split, atLeast) => {
    expect(rows[split].length).toBeGreaterThanOrEqual(atLeast);
    for (const label of SNLI_LABELS) {
      expect(rows[split].filter((row) => row.label === label)).toHaveLength(rows[split].length / 3);
    }
  });

  it('have the layout of SNLI', () => {
    const header = committedText('dev').split('\n')[0]!.split('\t');
    expect(header).toEqual([
      ...['gold_label', 'sentence1_binary_parse', 'sentence2_binary_parse', 'sentence1_parse'],
      ...['sentence2_parse', 'sentence1', 'sentence2', 'captionID', 'pairID'],
      ...['label1', 'label2', 'label3', 'label4', 'label5'],
    ]);
    const captions = new Map<string, string>();
    for (const { columns, label, premise, hypothesis } of Object.values(rows).flat()) {
      expect(columns).toHaveLength(14);
      expect(columns[5]!.replace('.', ' .')).toBe(premise);
      expect(columns[6]!.replace('.', ' .')).toBe(hypothesis);
      expect(columns[9]).toBe(label);
      expect(columns[8]).toMatch(new RegExp(`^${columns[7]}r[0-9]+${label[0]}$`));
      expect(captions.get(columns[7]!) ?? premise).toBe(premise);
      captions.set(columns[7]!, premise);
    }
    const pairIds = Object.values(rows)
      .flat()
      .map(({ columns }) => columns[8]);
    expect(new Set(pairIds).size).toBe(pairIds.length);
  });
});

describe('the splits', () => {
  it('hold no pair twice, within a split or across', () => {
    const pairs = Object.values(rows).flat().map(contentTuple);
    expect(new Set(pairs).size).toBe(pairs.length);
  });

  it.each(['dev', 'test'] as const)('keep the premises of %s out of all others, on both sides', (kept) => {
    const premises = new Set(rows[kept].map(({ premise }) => premise));
    const elsewhere = SPLITS.filter((split) => split !== kept).flatMap((split) => rows[split]);
    expect(elsewhere.filter((row) => premises.has(row.premise) || premises.has(row.hypothesis))).toEqual([]);
  });

  it('ask for no word that training has not shown', () => {
    const words = (split: Split) =>
      rows[split].flatMap(({ premise, hypothesis }) => `${premise} ${hypothesis}`.toLowerCase().split(' '));
    const known = new Set(words('train'));
    expect(words('test').filter((word) => !known.has(word))).toEqual([]);
  });

  it('show every relation of every slot under every label that allows it', () => {
    const tables = relationTables();
    const seen = new Set(
      sample.train.flatMap(({ premise, hypothesis, label }) => {
        const relations = relationsOf(premise, hypothesis, tables);
        expect(labelOf(relations)).toBe(label);
        return relations.map((relation, slot) => `${label} ${slot} ${relation}`);
      }),
    );
    const allowed = { entailment: 2, neutral: 3, contradiction: 4 };
    expect(seen.size).toBe(3 * (allowed.entailment + allowed.neutral + allowed.contradiction));
  });
});

describe('the demo', () => {
  it('truncates none of its pairs', () => {
    const lengths = Object.values(rows)
      .flat()
      .map(({ premise, hypothesis }) => premise.split(' ').length + hypothesis.split(' ').length + 3);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(QUICK.maxLen);
  });
});
