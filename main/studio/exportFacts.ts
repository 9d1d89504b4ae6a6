/** @file Runs under Node. What a model card says of a run: gathered from its row, its evaluations and the error analysis. */
import { basename, dirname } from 'node:path';
import { SPLITS } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import type { CheckpointRecord, EvaluationRecord, RunConfig, RunRecord } from '../../shared/runs.ts';
import { listEvaluations } from '../db/evaluations.ts';
import { predictedSplits } from '../db/predictions.ts';
import type { CardEvaluation, CardFacts, Licences } from '../export/card/facts.ts';
import { listImportedModels } from '../models/store/modelStore.ts';
import type { Databases } from './databases.ts';
import { datasetOfRun } from './datasetOfRun.ts';
import { ErrorAnalysisService } from './errorAnalysis.ts';

/** Left out of the settings: a named size, or a model that is begun from, has others than those that were not looked at. */
const OF_THE_NETWORK: ReadonlySet<string> = new Set(['size', 'layers', 'hidden', 'heads', 'feedForward']);

/** @throws StudioError NOT_FOUND, DATABASE_CORRUPT. */
export async function cardFacts(
  databases: Databases,
  run: RunRecord,
  { checkpoint, licences }: { checkpoint: CheckpointRecord; licences: Licences },
): Promise<CardFacts> {
  const { config, result, engine, plan } = run;
  const { dataset, hyperparameters, model } = config;
  const present = presentDataset(databases, run);
  const evaluations = listEvaluations(databases.store(), run.id);
  return {
    name: run.name ?? run.id,
    run: run.id,
    createdAt: run.createdAt,
    labels: dataset.labels,
    sentencesPerExample: dataset.sentencesPerExample ?? 2,
    maxLen: hyperparameters.maxLen,
    network: model,
    parameters: plan?.parameters ?? null,
    data: {
      name: dataset.name,
      contentHash: dataset.contentHash,
      source: present === null ? null : basename(present.source),
      rows: present?.rows ?? null,
    },
    vocabularyHash: config.vocabularyHash,
    base: baseOf(config),
    checkpoint,
    selectedOnTest: result?.selectedOnTest ?? false,
    hyperparameters: Object.entries(hyperparameters)
      .filter(([name]) => !OF_THE_NETWORK.has(name))
      .map(([name, value]) => [name, String(value)]),
    engine: engine === null ? null : `${engine.engine}, ${engine.device}, ${engine.threads} threads`,
    evaluations: evaluationsAt(evaluations, checkpoint.step),
    weaknesses: await weaknessesOf(databases, run),
    licences: licencesOf(databases, config, licences),
  };
}

/** Null where it was deleted: the run goes on without it. */
function presentDataset(databases: Databases, run: RunRecord) {
  try {
    return datasetOfRun(databases.cache(), run);
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

const isMissing = (thrown: unknown) =>
  thrown instanceof StudioError && (thrown.code === 'NOT_FOUND' || thrown.code === 'CHECKSUM_MISMATCH');

/** Of each split the one of the checkpoint, else the newest, whose step the card names. */
function evaluationsAt(evaluations: readonly EvaluationRecord[], step: number): CardEvaluation[] {
  return SPLITS.flatMap((split) => {
    const ofSplit = evaluations.filter((one) => one.split === split);
    return ofSplit.find((one) => one.step === step) ?? ofSplit.at(-1) ?? [];
  });
}

async function weaknessesOf(databases: Databases, run: RunRecord): Promise<CardFacts['weaknesses']> {
  const splits = predictedSplits(databases.store(), run.id).map(({ split }) => split);
  const split = splits.find((one) => one === 'test') ?? splits[0];
  if (split === undefined) return null;
  try {
    const analysis = new ErrorAnalysisService(databases);
    const { step, slices } = await analysis.overview({ run: run.id, split, against: null });
    return { split, step, slices: slices.map(({ name, pairs, wrong }) => ({ name, pairs, wrong })) };
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

/** The names that a path of this machine holds, and not the path. */
function baseOf({ startFrom, base }: RunConfig): string | null {
  if (base !== undefined) return `the model ${base.name} (SHA-256 of its manifest ${base.manifestSha256})`;
  if (startFrom === null) return null;
  const checkpoint = dirname(startFrom);
  return `run ${basename(dirname(dirname(checkpoint)))}, ${basename(checkpoint)}`;
}

/** What a person says goes before what the base model's source says. */
function licencesOf({ places }: Databases, { base }: RunConfig, stated: Licences): Licences {
  if (stated.base !== null || base === undefined) return stated;
  const imported = listImportedModels(places.models).models.find(({ name }) => name === base.name);
  return { ...stated, base: imported?.licence ?? null };
}
