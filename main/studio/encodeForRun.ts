/** @file Runs under Node. Encodes a run's splits into the token cache before its worker starts, which then only reads. */
import { type Dataset, SPLITS } from '../../shared/datasets.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import type { Cache } from '../data/cache.ts';
import { encodeSplit } from '../data/encodedSplits.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';

export interface RunText {
  readonly dataset: Dataset;
  readonly tokenizer: PairTokenizer;
  readonly hyperparameters: Hyperparameters;
}

export interface EncodeLinks {
  readonly onReports: (reports: readonly WorkerReport[]) => void;
  /** Leaves between two pieces of work. */
  readonly signal: AbortSignal | undefined;
}

const ENCODING: WorkerReport = {
  kind: 'progress',
  step: 0,
  totalSteps: 0,
  epoch: 0,
  phase: 'encoding',
  etaSeconds: null,
  pairsPerSecond: null,
};

/** On worker threads, one split after another; splits that were encoded before cost nothing. */
export async function encodeForRun(
  cache: Cache,
  { dataset, tokenizer, hyperparameters }: RunText,
  { onReports, signal }: EncodeLinks,
): Promise<void> {
  const { maxLen, truncation, workers } = hyperparameters;
  onReports([ENCODING]);
  for (const split of SPLITS)
    await encodeSplit(cache, {
      ...{ dataset, split, tokenizer, maxLen, truncation, workers },
      ...(signal === undefined ? {} : { signal }),
    });
}
