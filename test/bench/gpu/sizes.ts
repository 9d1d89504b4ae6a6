/** @file Benchmarks. What is trained on a GPU: networks by name, with as many pairs in a batch. */
import type { ModelConfig } from '../../../shared/runs.ts';
import { MODELS } from '../models.ts';

interface Size {
  readonly title: string;
  readonly model: ModelConfig;
  /** In one optimizer step. */
  readonly pairs: number;
  /** That take turns, so that neither lengths nor caches stay the same. */
  readonly batches: number;
}

export const SIZES = {
  small: { title: 'bert.small', model: MODELS.book, pairs: 512, batches: 8 },
  base: { title: 'bert.base', model: MODELS.base, pairs: 512, batches: 8 },
  /** To try the programs out where there is no GPU. */
  tiny: {
    title: 'tiny',
    model: { ...MODELS.book, hidden: 32, heads: 2, feedForward: 64, vocabularySize: 500 },
    ...{ pairs: 4, batches: 2 },
  },
} as const satisfies Record<string, Size>;
export type SizeName = keyof typeof SIZES;
