/** @file Runs under Node. The examples that a run was made with, which may have been deleted or imported anew since. */
import type { Dataset } from '../../shared/datasets.ts';
import { StudioError } from '../../shared/errors.ts';
import type { RunRecord } from '../../shared/runs.ts';
import type { Cache } from '../data/cache.ts';
import { findDataset, listDatasets } from '../data/datasets.ts';

/**
 * The data set with the run's very content, under whatever name.
 * @throws StudioError NOT_FOUND when it was deleted, CHECKSUM_MISMATCH when its name has other content now.
 */
export function datasetOfRun(cache: Cache, run: RunRecord): Dataset {
  const { name, contentHash } = run.config.dataset;
  const named = findDataset(cache, name);
  if (named?.contentHash === contentHash) return named;
  const same = listDatasets(cache).find((dataset) => dataset.contentHash === contentHash);
  if (same !== undefined) return same;
  if (named === null) throw datasetGone(run);
  throw new StudioError(
    'CHECKSUM_MISMATCH',
    `The data set ${JSON.stringify(name)} holds other examples than those that run ${run.id} was made with.`,
    { nextStep: 'Import the original file again under another name; it is recognised by its content.' },
  );
}

export function datasetGone({ id, config }: RunRecord): StudioError {
  return new StudioError(
    'NOT_FOUND',
    `The data set ${JSON.stringify(config.dataset.name)}, with which run ${id} was made, has been deleted.`,
    { nextStep: 'Import the original file again, under any name; it is recognised by its content.' },
  );
}
