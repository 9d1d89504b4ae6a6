/** @file Benchmarks. The networks that are trained: the book's small one, and two larger ones as others have them. */
import { bookConfig } from '../../main/model/config.ts';
import { type Hyperparameters, hyperparametersSchema } from '../../shared/hyperparameters.ts';
import type { ModelConfig } from '../../shared/runs.ts';

export const VOCABULARY_SIZE = 60_005;
export const CLASSES = 3;

export const bookHyperparameters = (changes: Partial<Hyperparameters> = {}): Hyperparameters =>
  hyperparametersSchema.parse({
    ...{ size: 'bert.small', batchSize: 512, lr: 1e-4, dropout: 0.2, loss: 'sum' },
    ...changes,
  });

const BOOK = bookConfig(bookHyperparameters(), VOCABULARY_SIZE, CLASSES);
const HUGGING_FACE: ModelConfig = {
  ...BOOK,
  ...{ variant: 'huggingface', activation: 'gelu', embeddingNorm: true, layerNormEps: 1e-12 },
  vocabularySize: 30_522,
};

export const MODELS = {
  book: BOOK,
  minilm: { ...HUGGING_FACE, layers: 6, hidden: 384, heads: 12, feedForward: 1536 },
  base: { ...HUGGING_FACE, layers: 12, hidden: 768, heads: 12, feedForward: 3072 },
} as const satisfies Record<string, ModelConfig>;
