/** @file Runs under Node. What a new run begins with: its vocabulary, the shape of its network, and its first weights. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { ModelConfig } from '../../shared/runs.ts';
import { type Vocabulary, vocabularyFromJson, vocabularyOf } from '../data/vocabulary.ts';
import { findRun } from '../db/runs.ts';
import { readError } from '../files/fileErrors.ts';
import { bookConfig } from '../model/config.ts';
import { checkpointsFolder, weightsToUse } from '../training/checkpoints.ts';
import type { Databases } from './databases.ts';
import { requireWeights, VOCABULARY_FILE } from './lostFolder.ts';

export interface StartRequest {
  readonly hyperparameters: Hyperparameters;
  /** Path of a vocab.json; null builds the vocabulary from the training split. */
  readonly vocabularyPath: string | null;
  /** Id of a finished run whose weights and vocabulary to start from; null starts from random weights. */
  readonly startFrom: string | null;
}

export interface StartingPoint {
  readonly vocabulary: Vocabulary;
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
  const vocabulary =
    vocabularyPath === null
      ? vocabularyOf(databases.cache(), dataset.id, hyperparameters.minFreq)
      : readVocabulary(vocabularyPath);
  const model = bookConfig(hyperparameters, vocabulary.size, dataset.labels.length);
  return { vocabulary, model, startFrom: null };
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
    vocabulary: readVocabulary(join(folder, VOCABULARY_FILE)),
    model: { ...model, classes: dataset.labels.length, dropout: hyperparameters.dropout },
    startFrom: join(checkpointsFolder(folder), checkpoint.folder, 'weights.safetensors'),
  };
}

/** @throws StudioError NOT_FOUND, UNREADABLE, BAD_FILE. */
export function readVocabulary(path: string): Vocabulary {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    throw readError(thrown, path);
  }
  return vocabularyFromJson(text, { source: path });
}
