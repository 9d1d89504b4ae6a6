/** @file Runs under Node. Models that answer: runs with weights, and imported models whose head says what its outputs mean. */
import { join } from 'node:path';
import { StudioError } from '../../shared/errors.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import type { ImportedModel } from '../../shared/models.ts';
import type { RunRecord } from '../../shared/runs.ts';
import { listCheckpoints } from '../db/checkpoints.ts';
import { findImportedModel, modelFolder } from '../models/store/modelStore.ts';
import { checkpointsFolder, listFolders } from '../training/checkpoints.ts';
import type { AnswerConfig, AnswerWeights } from '../training/inference.ts';
import { configToCompute } from './configToCompute.ts';
import type { Databases } from './databases.ts';
import { requireWeights } from './lostFolder.ts';
import { findOtherwiseRun } from './otherwiseRun.ts';
import { requireClassifier } from './preparedRun.ts';

export interface AnsweringModel {
  /** A run's id, or an imported model's name: names are never like ids. */
  readonly id: string;
  /** Null for an imported model. */
  readonly run: RunRecord | null;
  readonly labels: readonly string[];
  /** What it reads: single sentences, or pairs. */
  readonly sentences: 1 | 2;
  readonly config: AnswerConfig;
  /** With its tokenizer. */
  readonly folder: string;
  readonly weights: AnswerWeights;
  /** Other weights under the same id have another. */
  readonly version: string;
}

/** Longest pair that an imported model is asked about, where its position table has that many rows. */
const LONGEST_PAIR = 512;

/**
 * By name, by id or by an id's beginning.
 * @throws StudioError NOT_FOUND for what is neither, and for a run without weights; USAGE for a model that cannot answer
 */
export function findAnsweringModel(databases: Databases, reference: string): AnsweringModel {
  const imported = findImportedModel(databases.places.models, reference);
  return imported === null ? runThatAnswers(databases, reference) : importedThatAnswers(databases, imported);
}

function runThatAnswers(databases: Databases, reference: string): AnsweringModel {
  const run = findOtherwiseRun(databases, reference);
  const { id, config } = run;
  requireClassifier(run, 'it has nothing to answer with');
  requireWeights(databases, id);
  const checkpoints = listCheckpoints(databases.store(), id);
  const best = checkpoints.find(({ kind }) => kind === 'best');
  const used = config.hyperparameters.keep === 'best' && best !== undefined ? best : checkpoints[0];
  const [newest] = listFolders(checkpointsFolder(join(databases.places.runs, id)));
  if (used === undefined && newest === undefined)
    throw new StudioError('NOT_FOUND', `Run ${id} has no checkpoint, and so no weights to use.`, {
      nextStep: `Let it finish an epoch, or go on with it: npx --no entail runs resume ${id}`,
    });
  return {
    ...{ id, run },
    config: configToCompute(databases, run),
    labels: config.dataset.labels,
    sentences: config.dataset.sentencesPerExample ?? 2,
    folder: join(databases.places.runs, id),
    weights: { kind: 'checkpoint' },
    version: used === undefined ? newest! : `${used.folder} ${used.manifestSha256}`,
  };
}

function importedThatAnswers({ places }: Databases, imported: ImportedModel): AnsweringModel {
  const { name, model, head, manifestSha256 } = imported;
  const labels = requireLabels(imported);
  const maxLen = Math.min(LONGEST_PAIR, model.maxPositions);
  return {
    id: name,
    run: null,
    labels,
    sentences: head?.sentences ?? 2,
    config: { model, dataset: { labels }, hyperparameters: hyperparametersSchema.parse({ maxLen }) },
    folder: modelFolder(places.models, name),
    weights: { kind: 'imported', manifestSha256 },
    version: manifestSha256,
  };
}

function requireLabels({ name, head }: ImportedModel): readonly string[] {
  if (head === null)
    throw new StudioError(
      'USAGE',
      `The model ${name} has no head: it cannot answer before it is fine-tuned.`,
      {
        nextStep: `Fine-tune it: npx --no entail train --dataset NAME --model ${name}`,
      },
    );
  if (head.labels !== null) return head.labels;
  const words = Array.from({ length: head.classes }, (_, output) => `LABEL_${output}=…`).join(',');
  throw new StudioError('USAGE', `Nobody has said what the outputs of the model ${name} mean.`, {
    nextStep: `Say it: npx --no entail models label ${name} --labels ${words}`,
  });
}
