/** @file Runs under Node. A request made ready to be a run: its configuration, its tokenizer, and its data found or refused. */
import type { Dataset } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import { type RunConfig, type RunKind, type RunRecord, runKind } from '../../shared/runs.ts';
import { requireDataset } from '../data/datasets.ts';
import { ownTokenizer } from '../data/ownTokenizer.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import type { Databases } from './databases.ts';
import { type EncodeLinks, encodeForRun } from './encodeForRun.ts';
import { preparedPretraining } from './preparedPretraining.ts';
import { type StartRequest, startingPoint, startRecord } from './startingPoint.ts';
import { TextService } from './texts.ts';
import { tokenizerRecord } from './tokenizerOfRun.ts';
import { requireSameData, requireTrainable } from './trainable.ts';

/** What a run is asked to be. */
export interface PreparingRequest extends StartRequest {
  /** Fine-tuning when it is not told. */
  readonly kind?: RunKind;
  /** Name of a data set, or of a text to pretrain on. */
  readonly dataset: string;
  readonly engine: RunConfig['engine'];
}

export interface PreparedRun {
  readonly config: RunConfig;
  readonly tokenizer: PairTokenizer;
  /** Puts what the worker reads where it finds it; what is there already costs nothing. */
  encode(links: EncodeLinks): Promise<void>;
}

/** @throws StudioError for a data set, text, vocabulary or start that is not there or does not fit. */
export function preparedRun(databases: Databases, request: PreparingRequest): PreparedRun {
  if (request.kind === 'pretraining') return preparedPretraining(databases, request);
  const dataset = requireDataset(databases.cache(), request.dataset);
  requireTrainable(dataset, request.hyperparameters);
  const start = startingPoint(databases, request, dataset);
  const { hyperparameters, engine } = request;
  const { tokenizer, model } = start;
  return {
    config: {
      dataset: referenceTo(dataset),
      ...{ hyperparameters, model, ...tokenizerRecord(tokenizer), engine, ...startRecord(start) },
    },
    tokenizer,
    encode: (links) => encodeForRun(databases.cache(), { dataset, tokenizer, hyperparameters }, links),
  };
}

/**
 * Makes sure that the data of a stored run is still what it was made with, and encodes it again where it must be.
 * @throws StudioError NOT_FOUND, CHECKSUM_MISMATCH
 */
export async function encodeAgain(
  databases: Databases,
  run: RunRecord,
  { folder, ...links }: EncodeLinks & { readonly folder: string },
): Promise<void> {
  const { dataset: reference, hyperparameters } = run.config;
  if (runKind(run.config) === 'pretraining') {
    new TextService(databases.places.root).open(reference.contentHash);
    return;
  }
  const dataset = requireDataset(databases.cache(), reference.name);
  requireSameData(run, dataset);
  const text = { dataset, tokenizer: ownTokenizer(folder, run.config), hyperparameters };
  await encodeForRun(databases.cache(), text, links);
}

/** @throws StudioError USAGE for a run that learnt a language and no labels. */
export function requireClassifier({ id, config }: RunRecord, what: string): void {
  if (runKind(config) === 'fine-tuning') return;
  throw new StudioError('USAGE', `Run ${id} is a pretraining: it knows no labels, so that ${what}.`, {
    nextStep: `Fine-tune from it first: npx --no entail train --dataset NAME --model ${id}`,
  });
}

function referenceTo({ id, name, contentHash, labels, sentencesPerExample }: Dataset): RunConfig['dataset'] {
  return { id, name, contentHash, labels, sentencesPerExample };
}
