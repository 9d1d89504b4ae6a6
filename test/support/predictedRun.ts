/** @file Tests. Runs with predictions that somebody made up, on data sets that were really imported. */
import { join } from 'node:path';
import { importDataset } from '../../main/data/importDataset.ts';
import { claimRun } from '../../main/db/lease.ts';
import { appendReports } from '../../main/db/reports.ts';
import { createRun } from '../../main/db/runs.ts';
import { Databases } from '../../main/studio/databases.ts';
import { dataPlaces } from '../../main/studio/dataDirectory.ts';
import type { Dataset } from '../../shared/datasets.ts';
import { type CsvPair, writePairsCsv } from './pairsCsv.ts';
import { sampleConfig, sampleEnvironment, sampleEvaluation } from './sampleRun.ts';
import { temporaryFolder } from './temporaryFolder.ts';

/** The databases of a fresh data directory; close them at the end. */
export function freshDatabases(): Databases {
  return new Databases(dataPlaces(temporaryFolder()), () => {});
}

/** Imports pairs, all of them into the test split unless they say otherwise. */
export async function importPairs(
  databases: Databases,
  name: string,
  pairs: readonly CsvPair[],
): Promise<Dataset> {
  const path = join(temporaryFolder(), 'pairs.csv');
  writePairsCsv(
    path,
    pairs.map((pair) => ({ split: 'test', ...pair })),
  );
  return await importDataset(databases.cache(), { path, name });
}

/** A run on the data set, without predictions. */
export function runOn(databases: Databases, dataset: Dataset): string {
  const { id, name, contentHash, labels, sentencesPerExample } = dataset;
  const config = { ...sampleConfig(), dataset: { id, name, contentHash, labels, sentencesPerExample } };
  const run = createRun(databases.store(), { config, environment: sampleEnvironment });
  claimRun(databases.store(), run);
  return run;
}

/** Stores what the run predicts on the test split: label by label, or probabilities row by row. */
export function predict(
  databases: Databases,
  run: string,
  {
    classes,
    predicted,
    step = 1,
  }: { classes: number; predicted: readonly (number | readonly number[])[]; step?: number },
): void {
  const rows = predicted.map((row) =>
    typeof row === 'number' ? Array.from({ length: classes }, (_, at) => (at === row ? 0.75 : 0.125)) : row,
  );
  const probabilities = Float32Array.from(rows.flat());
  appendReports(databases.store(), run, [
    {
      kind: 'evaluation',
      evaluation: sampleEvaluation('test', step),
      predictions: { split: 'test', step, classes, probabilities },
    },
  ]);
}
