/** @file Runs anywhere. Tells from a table's header which column is what, or checks what a person said. */
import type { ColumnMapping } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';

/** Which columns hold the texts, the label and the split; the labels themselves come later. */
export type ColumnChoice = Omit<ColumnMapping, 'labels' | 'format' | 'tokenised'>;

/** SNLI's 14 columns, in the order of the official text files. */
export const SNLI_COLUMNS: readonly string[] = [
  'gold_label',
  'sentence1_binary_parse',
  'sentence2_binary_parse',
  'sentence1_parse',
  'sentence2_parse',
  'sentence1',
  'sentence2',
  'captionID',
  'pairID',
  'label1',
  'label2',
  'label3',
  'label4',
  'label5',
];

/** SNLI's keys in the official JSONL files, sorted. */
export const SNLI_KEYS: readonly string[] = [
  'annotator_labels',
  'captionID',
  'gold_label',
  'pairID',
  'sentence1',
  'sentence1_binary_parse',
  'sentence1_parse',
  'sentence2',
  'sentence2_binary_parse',
  'sentence2_parse',
];

export const SNLI_CHOICE: ColumnChoice = {
  premise: 'sentence1',
  hypothesis: 'sentence2',
  label: 'gold_label',
  split: null,
};

/** Names of two text columns that belong together, most usual first; without case, spaces, `_` and `-`. */
const TEXT_PAIRS: readonly (readonly [string, string])[] = [
  ['sentence1', 'sentence2'],
  ['premise', 'hypothesis'],
  ['text', 'hypothesis'],
  ['sentencea', 'sentenceb'],
  ['texta', 'textb'],
  ['text1', 'text2'],
  ['question1', 'question2'],
  ['question', 'sentence'],
  ['question', 'answer'],
  ['query', 'passage'],
  ['query', 'document'],
  ['context', 'response'],
  ['s1', 's2'],
];
const SINGLE_TEXTS = [
  'text',
  'sentence',
  'premise',
  'review',
  'content',
  'comment',
  'tweet',
  'document',
  'body',
  'title',
];
const LABELS = [
  'goldlabel',
  'label',
  'labels',
  'gold',
  'class',
  'category',
  'target',
  'entailmentlabel',
  'entailmentjudgment',
];
const MORE_LABELS = ['relation', 'sentiment', 'intent', 'isduplicate', 'quality', 'y'];
const SPLITS = ['split', 'partition', 'subset', 'fold'];

/**
 * Which column is what. Names that are given are checked; the others are told from the header. A given premise
 * without a given hypothesis means one text column.
 * @param file where the header stands, for messages.
 * @throws StudioError USAGE for a given column that is not there; BAD_FILE when the header does not tell.
 */
export function chooseColumns(
  columns: readonly string[],
  given: Partial<ColumnMapping>,
  file: string,
): { readonly choice: ColumnChoice; readonly guessed: boolean } {
  for (const name of [given.premise, given.hypothesis, given.label, given.split]) {
    if (typeof name === 'string' && !columns.includes(name)) throw noSuchColumn(name, columns, file);
  }
  const texts = chooseTexts(columns, given);
  const label = given.label ?? firstColumn(columns, [...LABELS, ...MORE_LABELS], texts ?? []);
  if (texts === null || label === null) throw cannotTell(columns, texts === null ? 'text' : 'label', file);
  const split = given.split === undefined ? firstColumn(columns, SPLITS, [...texts, label]) : given.split;
  const named = [...texts, label, split].filter((name) => name !== null);
  const twice = named.find(
    (name, at) => columns.indexOf(name) !== columns.lastIndexOf(name) || named.indexOf(name) !== at,
  );
  if (twice !== undefined) throw ambiguous(twice, file);
  return {
    choice: { premise: texts[0], hypothesis: texts[1], label, split },
    guessed: given.premise === undefined || given.label === undefined,
  };
}

/** The column with the parse of a text column, as SNLI and MultiNLI have it: its tokens are taken from there. */
export function parseColumn(text: string): string {
  return `${text}_binary_parse`;
}

function chooseTexts(
  columns: readonly string[],
  given: Partial<ColumnMapping>,
): [string, string | null] | null {
  if (given.premise !== undefined) return [given.premise, given.hypothesis ?? null];
  if (given.hypothesis !== null) {
    for (const pair of TEXT_PAIRS) {
      const premise = firstColumn(columns, [pair[0]], [given.label ?? null]);
      const hypothesis = given.hypothesis ?? firstColumn(columns, [pair[1]], [given.label ?? null]);
      if (premise !== null && hypothesis !== null && premise !== hypothesis) return [premise, hypothesis];
    }
  }
  const single = firstColumn(columns, SINGLE_TEXTS, [given.label ?? null]);
  return single === null ? null : [single, given.hypothesis ?? null];
}

/** The first column with one of these names, in the order of the names, that is not taken. */
function firstColumn(
  columns: readonly string[],
  names: readonly string[],
  taken: readonly (string | null)[],
): string | null {
  for (const name of names) {
    const found = columns.find((column) => plainName(column) === name && !taken.includes(column));
    if (found !== undefined) return found;
  }
  return null;
}

function plainName(column: string): string {
  return column.toLowerCase().replace(/[\s_-]/g, '');
}

function list(columns: readonly string[]): string {
  const shown = columns.slice(0, 20).map((column) => (column === '' ? '(no name)' : column));
  return `${shown.join(', ')}${columns.length > 20 ? ', …' : ''}`;
}

function noSuchColumn(name: string, columns: readonly string[], file: string): StudioError {
  return new StudioError('USAGE', `${file} has no column ${name}; it has: ${list(columns)}.`, {
    nextStep: 'Name a column as it is written in the header.',
    place: { file, line: 1 },
  });
}

function cannotTell(columns: readonly string[], what: 'text' | 'label', file: string): StudioError {
  return new StudioError(
    'BAD_FILE',
    `Cannot tell which column of ${file} holds the ${what}; it has: ${list(columns)}.`,
    {
      nextStep:
        "Say it, for instance: npx --no entail datasets import … --mapping 'premise=COLUMN,hypothesis=COLUMN,label=COLUMN' " +
        '(the first line must hold the names of the columns).',
      place: { file, line: 1 },
    },
  );
}

function ambiguous(name: string, file: string): StudioError {
  return new StudioError(
    'BAD_FILE',
    `The column ${name} of ${file} stands twice, or is used for two things.`,
    {
      nextStep: 'Give every column that is used a name of its own.',
      place: { file, line: 1 },
    },
  );
}
