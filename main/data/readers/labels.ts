/** @file Runs anywhere. From the words in a label column to the classes of a data set, independent of the order of rows. */
import { type ColumnMapping, SNLI_LABELS } from '../../../shared/datasets.ts';
import { StudioError } from '../../../shared/errors.ts';
import { nliLabel } from '../../../shared/nliLabels.ts';
import { compareCodePoints } from '../words.ts';

/** Classes in order, and which word of the file means which. */
export interface LabelScheme {
  readonly labels: readonly string[];
  /** Word in the file -> index into `labels`. */
  readonly words: ReadonlyMap<string, number>;
  /** Words that mean "nobody knows": counted, not errors. */
  readonly unlabelled: ReadonlySet<string>;
}

/** What is no choice cannot be learnt. */
export const MIN_CLASSES = 2;
const MAX_CLASSES = 100;
/** Other words than the three of NLI are typing errors when they are this rare. */
const RARE_SHARE = 0.05;
const NO_LABEL = '-';
/** What Hugging Face's copies write for `-`, where labels are numbers. */
const NO_LABEL_NUMBER = '-1';
const COUNTING_NUMBER = /^\d{1,9}$/;

/** SNLI's own: the book's order. */
export const SNLI_SCHEME: LabelScheme = {
  labels: SNLI_LABELS,
  words: new Map(SNLI_LABELS.map((label, index) => [label, index])),
  unlabelled: new Set([NO_LABEL]),
};

/** Words of one column and how often each stands there. Gives up keeping more than anybody could have meant. */
export class WordTally {
  readonly counts = new Map<string, number>();
  readonly #limit = 10 * MAX_CLASSES;

  add(word: string): void {
    const known = this.counts.get(word);
    if (known !== undefined) this.counts.set(word, known + 1);
    else if (this.counts.size < this.#limit) this.counts.set(word, 1);
  }
}

/**
 * Classes for the words that a column holds. The three words of NLI (or two of them) get the book's order; numbers
 * count up; other words are sorted by code point.
 * @throws StudioError BAD_FILE when there are fewer than 2 classes or more than 100.
 */
export function schemeOfWords(
  counts: ReadonlyMap<string, number>,
  column: string,
  file: string,
): LabelScheme {
  const words = [...counts.keys()].filter((word) => word !== '' && word !== NO_LABEL);
  const nli = words.filter((word) => nliLabel(word) !== undefined);
  const present = SNLI_LABELS.filter((label) => nli.some((word) => nliLabel(word) === label));
  const rows = (some: readonly string[]) => some.reduce((sum, word) => sum + counts.get(word)!, 0);
  const othersAreRare =
    present.length === SNLI_LABELS.length && rows(words) - rows(nli) <= RARE_SHARE * rows(words);
  if (othersAreRare || (nli.length === words.length && present.length >= MIN_CLASSES)) {
    return scheme(present, new Map(nli.map((word) => [word, present.indexOf(nliLabel(word)!)])));
  }
  const classes = classesOf(words);
  if (classes.length < MIN_CLASSES || classes.length > MAX_CLASSES) throw classCount(classes, column, file);
  return scheme(classes, new Map(classes.map((label, index) => [label, index])));
}

/**
 * Classes as a person gave them: word in the file -> label.
 * @throws StudioError USAGE when there are fewer than 2 classes or more than 100.
 */
export function schemeGiven(labels: ColumnMapping['labels']): LabelScheme {
  const pairs = Object.entries(labels);
  const names = [...new Set(pairs.map(([, label]) => label))];
  const nli = SNLI_LABELS.filter((label) => names.includes(label));
  const ordered: readonly string[] = nli.length === names.length ? nli : names;
  if (ordered.length < MIN_CLASSES || ordered.length > MAX_CLASSES) {
    throw new StudioError(
      'USAGE',
      `The label mapping has ${ordered.length} classes; it must have ${MIN_CLASSES} to ${MAX_CLASSES}.`,
      {
        nextStep:
          'Give one entry for each word of the label column, such as 0=entailment,1=neutral,2=contradiction.',
      },
    );
  }
  return scheme(ordered, new Map(pairs.map(([word, label]) => [word, ordered.indexOf(label)])));
}

/** The record of a scheme that is kept with the data set. Safe for a word such as `__proto__`. */
export function labelRecord({ labels, words }: LabelScheme): ColumnMapping['labels'] {
  const inOrder = [...words].toSorted(([a, i], [b, j]) => i - j || compareCodePoints(a, b));
  return Object.fromEntries(inOrder.map(([word, index]) => [word, labels[index]!]));
}

function scheme(labels: readonly string[], words: ReadonlyMap<string, number>): LabelScheme {
  const numbers = [...words.keys()].every((word) => COUNTING_NUMBER.test(word));
  const none = [NO_LABEL, ...(numbers ? [NO_LABEL_NUMBER] : [])].filter((word) => !words.has(word));
  return { labels, words, unlabelled: new Set(none) };
}

function classesOf(words: readonly string[]): string[] {
  const named = words.filter((word) => word !== NO_LABEL_NUMBER);
  if (named.every((word) => COUNTING_NUMBER.test(word)))
    return named.toSorted((a, b) => Number(a) - Number(b));
  return words.toSorted(compareCodePoints);
}

function classCount(classes: readonly string[], column: string, file: string): StudioError {
  const found =
    classes.length === 0
      ? 'no label at all'
      : classes.length === 1
        ? `only the label ${classes[0]}`
        : `more than ${MAX_CLASSES} different labels (such as ${classes.slice(0, 3).join(', ')})`;
  return new StudioError(
    'BAD_FILE',
    `The column ${column} of ${file} holds ${found}; 2 to 100 classes can be learnt.`,
    {
      nextStep: 'Name another column with --mapping label=COLUMN, or say what its words mean with --labels.',
      place: { file },
    },
  );
}
