/**
 * @file Runs anywhere. The settings of pretraining: those of any run but for what only classifiers have, with defaults of
 * their own. docs/benchmarks.md says how they were found.
 */
import {
  HYPERPARAMETERS,
  type HyperparameterField,
  type HyperparameterName,
  type Hyperparameters,
  hyperparametersSchema,
} from './hyperparameters.ts';

/** The book's sizes (book.md 7) with an optimisation that learns: its Adam at 0.01 does not. */
export const PRETRAINING_DEFAULTS: Hyperparameters = hyperparametersSchema.parse({
  size: 'free',
  layers: 2,
  hidden: 128,
  heads: 2,
  feedForward: 256,
  maxLen: 64,
  minFreq: 5,
  batchSize: 512,
  epochs: 24,
  lr: 1.5e-3,
  schedule: 'linear',
  warmup: 0.05,
  loss: 'mean',
  dropout: 0.1,
  embeddingScale: 0.05,
});

/** What the book's pretraining has. */
const BOOK: Partial<Record<HyperparameterName, string>> = {
  size: 'free',
  layers: '2',
  hidden: '128',
  heads: '2',
  feedForward: '256',
  maxLen: '64',
  minFreq: '5',
  batchSize: '512',
  lr: '0.01',
  dropout: '0.2',
  loss: 'mean',
  epochs: '50 steps',
};

/** Settings of classifiers alone. (Pairs that are too long are left out; the loss is the mean.) */
const OF_CLASSIFIERS: ReadonlySet<HyperparameterName> = new Set([
  'truncation',
  'loss',
  'labelSmoothing',
  'classWeights',
  'freezeEncoder',
  'workers',
]);

/** Where the words of fine-tuning do not fit. */
const HELP: Partial<Record<HyperparameterName, string>> = {
  maxLen: 'Longest pair of sentences, special tokens included; longer ones are left out.',
  minFreq: 'A word of the text enters the vocabulary when it is seen this often.',
  seed: 'Decides initial weights, the pairs and masks of every epoch, their order, and dropout.',
  epochs: 'Times that the text is gone through, with pairs and masks drawn anew.',
  evaluateEvery: 'Evaluate on the validation text every so many steps too; 0 means after each epoch only.',
  earlyStopping: 'Stop after so many evaluations without a lower validation loss; 0 is off.',
  keep: 'Which weights the run ends with: the last, or those with the lowest validation loss.',
};

/** The table for pretraining, in reading order. */
export const PRETRAINING_FIELDS: readonly HyperparameterField[] = HYPERPARAMETERS.filter(
  ({ name }) => !OF_CLASSIFIERS.has(name),
).map((field) => {
  const book = BOOK[field.name] ?? field.book;
  const help = HELP[field.name] ?? field.help;
  return {
    ...field,
    help,
    default: PRETRAINING_DEFAULTS[field.name],
    ...(book === undefined ? {} : { book }),
  };
});
