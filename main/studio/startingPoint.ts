/** @file Runs under Node. What a new run begins with: its tokenizer, the shape of its network, and its first weights. */
import { join } from 'node:path';
import type { Dataset } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { ImportedModel } from '../../shared/models.ts';
import type { ModelConfig, RunConfig } from '../../shared/runs.ts';
import { tokenizerAt } from '../data/openPairTokenizer.ts';
import { ownTokenizer } from '../data/ownTokenizer.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import { vocabularyOf } from '../data/vocabulary.ts';
import { WordsTokenizer } from '../data/wordsTokenizer.ts';
import { findRun } from '../db/runs.ts';
import { bookConfig } from '../model/config.ts';
import { findImportedModel, modelFolder, weightsOf } from '../models/store/modelStore.ts';
import { checkpointsFolder, weightsToUse } from '../training/checkpoints.ts';
import type { Databases } from './databases.ts';
import { requireWeights } from './lostFolder.ts';

export interface StartRequest {
  readonly hyperparameters: Hyperparameters;
  /** Path that `tokenizerAt` opens; null builds the vocabulary from the training split. */
  readonly vocabularyPath: string | null;
  /** Name of an imported model, or id of a run, whose weights and tokenizer to start from; null starts from random weights. */
  readonly startFrom: string | null;
}

export interface StartingPoint extends Pick<RunConfig, 'startFrom' | 'base' | 'freshHead'> {
  readonly tokenizer: PairTokenizer;
  readonly model: ModelConfig;
}

/** @throws StudioError NOT_FOUND, BAD_FILE, USAGE: what was asked for is not there or does not fit. */
export function startingPoint(databases: Databases, request: StartRequest, dataset: Dataset): StartingPoint {
  const { hyperparameters, vocabularyPath, startFrom } = request;
  if (startFrom !== null) return fromModel(databases, { ...request, startFrom }, dataset);
  const tokenizer =
    vocabularyPath === null
      ? new WordsTokenizer(vocabularyOf(databases.cache(), dataset.id, hyperparameters.minFreq))
      : tokenizerAt(vocabularyPath);
  const model = bookConfig(hyperparameters, tokenizer.size, dataset.labels.length);
  return { tokenizer, model, startFrom: null };
}

type ModelRequest = StartRequest & { readonly startFrom: string };

/** What an imported model or an earlier run gives to a new run. */
interface Origin {
  /** "Run r7f3k2", "The model minilm" */
  readonly title: string;
  readonly model: ModelConfig;
  /** Of a run. */
  readonly vocabularyHash?: string;
  /** With the tokenizer. */
  readonly folder: string;
  /** Of its head; null when it has none, or one that nobody has explained. */
  readonly labels: readonly string[] | null;
  readonly weights: Pick<StartingPoint, 'startFrom' | 'base'>;
}

/** Its shape and tokenizer, and its head where the labels are the same; only classes and dropout are the new run's own. */
function fromModel(databases: Databases, request: ModelRequest, dataset: Dataset): StartingPoint {
  const { hyperparameters, vocabularyPath, startFrom } = request;
  if (vocabularyPath !== null)
    throw new StudioError(
      'USAGE',
      'A vocabulary cannot be given to a run that starts from a model: the model has its own.',
      {
        nextStep: 'Leave out the model or the vocabulary (--model, --vocabulary).',
      },
    );
  const imported = findImportedModel(databases.places.models, startFrom);
  const origin =
    imported === null ? originOfRun(databases, startFrom) : originOfImported(databases, imported);
  const { title, model, folder, labels, weights } = origin;
  if (hyperparameters.maxLen > model.maxPositions)
    throw new StudioError(
      'USAGE',
      `${title} has ${model.maxPositions} positions; --max-len is ${hyperparameters.maxLen}.`,
      { nextStep: `Use --max-len ${model.maxPositions} or less.` },
    );
  const keepsHead = `${labels}` === `${dataset.labels}`;
  return {
    tokenizer: ownTokenizer(folder, origin),
    model: { ...model, classes: dataset.labels.length, dropout: hyperparameters.dropout },
    ...weights,
    ...(keepsHead ? {} : { freshHead: true }),
  };
}

function originOfRun(databases: Databases, reference: string): Origin {
  const run = findRun(databases.store(), reference);
  requireWeights(databases, run.id);
  const folder = join(databases.places.runs, run.id);
  const checkpoint = weightsToUse(folder, run.config.hyperparameters.keep);
  return {
    title: `Run ${run.id}`,
    model: run.config.model,
    vocabularyHash: run.config.vocabularyHash,
    folder,
    labels: run.config.dataset.labels,
    weights: { startFrom: join(checkpointsFolder(folder), checkpoint.folder, 'weights.safetensors') },
  };
}

function originOfImported({ places }: Databases, imported: ImportedModel): Origin {
  const { name, model, head, manifestSha256 } = imported;
  return {
    title: `The model ${name}`,
    model,
    folder: modelFolder(places.models, name),
    labels: head?.labels ?? null,
    weights: { startFrom: weightsOf(places.models, name), base: { name, manifestSha256 } },
  };
}

/** What of a starting point a run's configuration keeps. */
export function startRecord({ startFrom, base, freshHead }: StartingPoint) {
  return {
    startFrom,
    ...(base === undefined ? {} : { base }),
    ...(freshHead === undefined ? {} : { freshHead }),
  };
}
