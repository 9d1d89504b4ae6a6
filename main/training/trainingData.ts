/** @file Runs in the training worker. The token ids of a run's splits, made sure to be those that the run was made for. */
import { type Dataset, SPLITS, type Split } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import type { Cache } from '../data/cache.ts';
import { requireDataset } from '../data/datasets.ts';
import { encodeSplit } from '../data/encodedSplits.ts';
import type { EncodedSplit } from '../data/encoding.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import type { TrainingJob } from './jobs.ts';

/** `beat` is called as the work moves on. @throws StudioError NOT_FOUND when the data set is gone or another one. */
export async function encodedSplits(
  { config }: TrainingJob,
  beat: () => void,
  { cache, tokenizer }: { cache: Cache; tokenizer: PairTokenizer },
): Promise<{ dataset: Dataset; splits: Map<Split, EncodedSplit> }> {
  const dataset = requireDataset(cache, config.dataset.name);
  if (dataset.contentHash !== config.dataset.contentHash)
    throw new StudioError(
      'NOT_FOUND',
      `The data set ${dataset.name} is not the one that this run was made for.`,
      {
        nextStep: 'Import the original file again under that name.',
      },
    );
  const { maxLen, truncation, workers } = config.hyperparameters;
  const splits = new Map<Split, EncodedSplit>();
  for (const split of SPLITS) {
    const options = { dataset, split, tokenizer, maxLen, truncation, workers, onProgress: beat };
    splits.set(split, await encodeSplit(cache, options));
    beat();
  }
  return { dataset, splits };
}
