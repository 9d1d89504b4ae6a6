/** @file Runs under Node. Whether a data set can be trained on as somebody wishes, said before anything is made. */

import type { Dataset } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { RunRecord } from '../../shared/runs.ts';

/** @throws StudioError USAGE */
export function requireTrainable(dataset: Dataset, hyperparameters: Hyperparameters): void {
  requireTrainingRows(dataset);
  const { classWeights, keep, earlyStopping } = hyperparameters;
  const classes = dataset.labels.length;
  if (Array.isArray(classWeights) && classWeights.length !== classes) {
    throw new StudioError('USAGE', `There are ${classWeights.length} class weights for ${classes} classes.`, {
      nextStep: `Give one number for each of ${dataset.labels.join(', ')}, in this order.`,
    });
  }
  const choosesByEvaluation = keep === 'best' || earlyStopping > 0;
  if (choosesByEvaluation && dataset.rows.dev === 0 && dataset.rows.test === 0) {
    throw new StudioError(
      'USAGE',
      `The data set ${JSON.stringify(dataset.name)} has neither a dev nor a test split to choose by.`,
      {
        nextStep: 'Leave out --keep best and --early-stopping, or import the data set with a dev split.',
      },
    );
  }
}

function requireTrainingRows({ name, rows }: Dataset): void {
  if (rows.train > 0) return;
  throw new StudioError('USAGE', `The data set ${JSON.stringify(name)} has no training split.`, {
    nextStep:
      'Import one that has, or evaluate a run on this one: npx --no entail evaluate RUN --dataset NAME',
  });
}

/** A data set deleted and imported again under the same name may hold other examples. */
export function requireSameData(run: RunRecord, dataset: Dataset): void {
  if (dataset.contentHash === run.config.dataset.contentHash) return;
  throw new StudioError(
    'CHECKSUM_MISMATCH',
    `The data set ${JSON.stringify(dataset.name)} is not the one that run ${run.id} was trained on.`,
    {
      nextStep: 'Import the original file again under that name, or start a new run.',
    },
  );
}
