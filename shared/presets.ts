/** @file Runs anywhere. Recipes to begin with: the book's, a quick try, a careful one. The demo uses the quick try. */
import { type Hyperparameters, hyperparametersSchema } from './hyperparameters.ts';
import type { ModelConfig } from './runs.ts';

export interface Preset {
  readonly key: 'book' | 'quick' | 'careful';
  readonly name: string;
  /** One sentence: what for. */
  readonly summary: string;
  readonly hyperparameters: Hyperparameters;
}

/** Every value that the book's program has (book.md 2, 3 and 6), our defaults for what it leaves open. */
const BOOK = hyperparametersSchema.parse({ size: 'bert.small', minFreq: 5 });

/**
 * A network that is small and a learning rate that is high, so that the built-in sample is learnt in a minute on two
 * cores; docs/sample-data.md has the measurements.
 */
export const QUICK: Hyperparameters = hyperparametersSchema.parse({
  size: 'free',
  layers: 2,
  hidden: 64,
  heads: 8,
  feedForward: 128,
  maxLen: 32,
  epochs: 6,
  batchSize: 64,
  lr: 1.5e-3,
  schedule: 'linear',
  warmup: 0.05,
  loss: 'mean',
  dropout: 0,
});

/** What Devlin et al. (2019), appendix A.3, and Mosbach et al. (2021) recommend against unstable fine-tuning. */
const CAREFUL = hyperparametersSchema.parse({
  size: 'bert.small',
  optimizer: 'adamw',
  weightDecay: 0.01,
  schedule: 'linear',
  warmup: 0.1,
  clipNorm: 1,
  batchSize: 64,
  epochs: 10,
  loss: 'mean',
  dropout: 0.1,
  keep: 'best',
  earlyStopping: 3,
});

export const PRESETS: readonly Preset[] = [
  {
    key: 'book',
    name: "The book's recipe",
    summary: 'bert.small, batches of 512 pairs, Adam at 1e-4, five epochs: what the chapter does.',
    hyperparameters: BOOK,
  },
  {
    key: 'quick',
    name: 'Quick try',
    summary: 'A tiny network for short sentences: seconds an epoch, to see that everything works.',
    hyperparameters: QUICK,
  },
  {
    key: 'careful',
    name: 'Careful',
    summary:
      'AdamW with warm-up, decay and clipping; keeps the best weights on dev and stops when they stay.',
    hyperparameters: CAREFUL,
  },
];

/** BERT-base and larger (Devlin et al., 2019, appendix A.3: 5e-5, 3e-5 or 2e-5) begin to forget at higher rates. */
const WIDE = 768;

/**
 * What fine-tuning an imported model takes where nobody says otherwise: the recipe of its kind. The book's models keep the
 * book's; those of BERT's family take AdamW in small batches.
 */
export function fineTuningDefaults(model: ModelConfig): Partial<Hyperparameters> {
  const { dropout, maxPositions, hidden, variant } = model;
  const fitting = { dropout, maxLen: Math.min(BOOK.maxLen, maxPositions) };
  if (variant === 'book') return fitting;
  return {
    ...fitting,
    optimizer: 'adamw',
    lr: hidden < WIDE ? 1e-4 : 3e-5,
    batchSize: 64,
    epochs: 3,
    loss: 'mean',
  };
}
