/** @file Runs under Node. What a new run begins with: its tokenizer, the shape of its network, and its first weights. */
import { join } from 'node:path';
import type { Dataset } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { tokenizerAt } from '../data/openPairTokenizer.ts';
import { ownTokenizer } from '../data/ownTokenizer.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import { vocabularyOf } from '../data/vocabulary.ts';
import { WordsTokenizer } from '../data/wordsTokenizer.ts';
import { findRun } from '../db/runs.ts';
import { bookConfig } from '../model/config.ts';
import { checkpointsFolder, weightsToUse } from '../training/checkpoints.ts';
import type { Databases } from './databases.ts';
import { requireWeights } from './lostFolder.ts';

export interface StartRequest {
  readonly hyperparameters: Hyperparameters;
  /** Path that `tokenizerAt` opens; null builds the vocabulary from the training split. */
  readonly vocabularyPath: string | null;
  /** Id of a finished run whose weights and tokenizer to start from; null starts from random weights. */
  readonly startFrom: string | null;
}

export interface StartingPoint {
  readonly tokenizer: PairTokenizer;
  readonly model: ModelConfig;
  /** Path of a safetensors file, or null for random weights. */
  readonly startFrom: string | null;
}

/** @throws StudioError NOT_FOUND, BAD_FILE, USAGE: what was asked for is not there or does not fit. */
export function startingPoint(databases: Databases, request: StartRequest, dataset: Dataset): StartingPoint {
  const { hyperparameters, vocabularyPath, startFrom } = request;
  if (startFrom !== null) return fromRun(databases, { ...request, startFrom }, dataset);
  const tokenizer =
    vocabularyPath === null
      ? new WordsTokenizer(vocabularyOf(databases.cache(), dataset.id, hyperparameters.minFreq))
      : tokenizerAt(vocabularyPath);
  const model = bookConfig(hyperparameters, tokenizer.size, dataset.labels.length);
  return { tokenizer, model, startFrom: null };
}

/** The shape and words of an earlier run; only classes and dropout are the new run's own. */
function fromRun(
  databases: Databases,
  { hyperparameters, vocabularyPath, startFrom }: StartRequest & { readonly startFrom: string },
  dataset: Dataset,
): StartingPoint {
  if (vocabularyPath !== null) {
    throw new StudioError(
      'USAGE',
      'A vocabulary cannot be given to a run that starts from a model: the model has its own.',
      {
        nextStep: 'Leave out the model or the vocabulary (--model, --vocabulary).',
      },
    );
  }
  const run = findRun(databases.store(), startFrom);
  const { model, hyperparameters: earlier } = run.config;
  if (hyperparameters.maxLen > model.maxPositions) {
    throw new StudioError(
      'USAGE',
      `Run ${run.id} has ${model.maxPositions} positions; --max-len is ${hyperparameters.maxLen}.`,
      {
        nextStep: `Use --max-len ${model.maxPositions} or less.`,
      },
    );
  }
  requireWeights(databases, run.id);
  const folder = join(databases.places.runs, run.id);
  const checkpoint = weightsToUse(folder, earlier.keep);
  return {
    tokenizer: ownTokenizer(folder, run.config),
    model: { ...model, classes: dataset.labels.length, dropout: hyperparameters.dropout },
    startFrom: join(checkpointsFolder(folder), checkpoint.folder, 'weights.safetensors'),
  };
}
