/** @file Runs under Node. Models that can answer: runs with weights, and what is known about them. */
import type { ModelSummary } from '../../shared/contract/models.ts';
import { runKind } from '../../shared/runs.ts';
import { type StoredModel, storedModels } from '../db/models.ts';
import type { Databases } from './databases.ts';
import type { RunIndex } from './runIndex.ts';

const BYTES_A_PARAMETER = 4;

/** Best test accuracy first, then newest; archived and deleted runs are left out. */
export function listModels(databases: Databases, runIndex: RunIndex): ModelSummary[] {
  const models = storedModels(databases.store())
    .filter(({ id }) => !runIndex.isHidden(id))
    .map((model) => summaryOf(model, runIndex));
  // Stable: equal ones stay in the order of the database, newest first.
  return models.sort((one, other) => (other.testAccuracy ?? -1) - (one.testAccuracy ?? -1));
}

function summaryOf(model: StoredModel, runIndex: RunIndex): ModelSummary {
  const { id, name, state, config, result, parameters, createdAt, checkpoints } = model;
  const { dataset, hyperparameters } = config;
  const best = hyperparameters.keep === 'best' ? checkpoints.find(({ kind }) => kind === 'best') : undefined;
  const used = best ?? checkpoints[0]!;
  return {
    ...{ run: id, name, state, parameters, createdAt, model: config.model },
    colour: runIndex.colourOf(id) ?? 0,
    kind: runKind(config),
    dataset: dataset.name,
    labels: dataset.labels,
    pairs: dataset.sentencesPerExample !== 1,
    testAccuracy: result?.testAccuracy ?? null,
    devAccuracy: result?.devAccuracy ?? null,
    selectedOnTest: result?.selectedOnTest ?? false,
    weightsBytes: parameters === null ? used.sizeBytes : BYTES_A_PARAMETER * parameters,
    step: used.step,
  };
}
