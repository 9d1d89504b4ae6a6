/** @file Runs anywhere. The shape of a network from hyperparameters: the book's sizes or free ones. */
import { StudioError } from '../../shared/errors.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { ModelConfig } from '../../shared/runs.ts';

interface Size {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly feedForward: number;
}

/** book.md 4 and 8; `tiny` is ours, for trying things out. */
const SIZES: ReadonlyMap<string, Size> = new Map([
  ['tiny', { layers: 2, hidden: 64, heads: 4, feedForward: 128 }],
  ['bert.small', { layers: 2, hidden: 256, heads: 4, feedForward: 512 }],
  ['bert.base', { layers: 12, hidden: 768, heads: 12, feedForward: 3072 }],
]);

/** Heads of the named size with these shapes, which do not tell them; null when no size has them. */
export function headsOfSize({ layers, hidden, feedForward }: Omit<Size, 'heads'>): number | null {
  for (const size of SIZES.values())
    if (size.layers === layers && size.hidden === hidden && size.feedForward === feedForward)
      return size.heads;
  return null;
}

/** Rows of the position table of the book's pretrained models; a run's maxLen may be smaller (book.md 4). */
const BOOK_POSITIONS = 512;

/** The book's variant of BERT in the size that the hyperparameters name. Throws USAGE when heads do not divide hidden. */
export function bookConfig(
  hyperparameters: Hyperparameters,
  vocabularySize: number,
  classes: number,
): ModelConfig {
  const { layers, hidden, heads, feedForward } = SIZES.get(hyperparameters.size) ?? hyperparameters;
  const config: ModelConfig = {
    variant: 'book',
    vocabularySize,
    layers,
    hidden,
    heads,
    feedForward,
    maxPositions: Math.max(BOOK_POSITIONS, hyperparameters.maxLen),
    classes,
    activation: 'relu',
    layerNormEps: 1e-5,
    embeddingNorm: false,
    segments: 2,
    headActivation: 'tanh',
    headDropout: false,
    dropout: hyperparameters.dropout,
  };
  checkConfig(config);
  return config;
}

const WHOLE_FIELDS = [
  'vocabularySize',
  'layers',
  'hidden',
  'heads',
  'feedForward',
  'maxPositions',
  'classes',
] as const;
/** Above this a size is a mistake (or an attack in a model file), not a wish. */
const LARGEST = 1_000_000;

/** Refuses sizes that no network can have, naming the one that is wrong. */
export function checkConfig(config: ModelConfig): void {
  for (const name of WHOLE_FIELDS) {
    const value = config[name];
    if (!Number.isSafeInteger(value) || value < 1 || value > LARGEST)
      throw new StudioError(
        'USAGE',
        `The model's ${name} is ${value}; it must be a whole number from 1 to ${LARGEST}.`,
      );
  }
  if (config.hidden % config.heads !== 0)
    throw new StudioError(
      'USAGE',
      `The model's hidden size ${config.hidden} cannot be divided among ${config.heads} heads.`,
      {
        nextStep: 'Choose a hidden size that is a multiple of the number of heads.',
      },
    );
}
