/** @file Runs under Node. What a new run begins with: its tokenizer, the shape of its network, and its first weights. */
import { join } from 'node:path';
import type { Dataset } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { openPairTokenizer, tokenizerAt } from '../data/openPairTokenizer.ts';
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
export function startingPoint(
  databases: Databases,
  request: StartRequest,
  dataset: Pick<Dataset, 'id' | 'labels'>,
): StartingPoint {
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
  dataset: Pick<Dataset, 'labels'>,
): StartingPoint {
  if (vocabularyPath !== null) {
    throw new StudioError(
      'USAGE',
      '--model and --vocabulary exclude each other: a model has its vocabulary.',
      {
        nextStep: 'Leave one of them out.',
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
    tokenizer: fittingTokenizer(folder, model),
    model: { ...model, classes: dataset.labels.length, dropout: hyperparameters.dropout },
    startFrom: join(checkpointsFolder(folder), checkpoint.folder, 'weights.safetensors'),
  };
}

/** An id without a row in the token table would be another token's row, or none. @throws StudioError BAD_FILE. */
export function fittingTokenizer(folder: string, { vocabularySize }: ModelConfig): PairTokenizer {
  const tokenizer = openPairTokenizer(folder);
  if (tokenizer.size <= vocabularySize) return tokenizer;
  const message = `The tokenizer has ${tokenizer.size} tokens, but the model's table only ${vocabularySize} rows.`;
  throw new StudioError('BAD_FILE', message, {
    nextStep: 'They are not of the same model: bring the tokenizer that it was trained with.',
    place: { file: folder },
  });
}
