/** @file Runs under Node. The composition root: wires databases, engines and services of one data directory together. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Entries } from './entries.ts';
import { writeError } from './files/fileErrors.ts';
import { Databases } from './studio/databases.ts';
import { dataPlaces } from './studio/dataDirectory.ts';
import { DatasetService } from './studio/datasets.ts';
import { EngineService } from './studio/engines.ts';
import { describeEnvironment } from './studio/environment.ts';
import { InferenceService } from './studio/inference.ts';
import { RunService } from './studio/runs.ts';
import { TrainingService } from './studio/training.ts';

export interface Studio {
  readonly dataDirectory: string;
  readonly datasets: DatasetService;
  readonly engines: EngineService;
  readonly runs: RunService;
  readonly training: TrainingService;
  readonly inference: InferenceService;
  /** Closes the databases; a second call does nothing. */
  close(): void;
}

export interface StudioOptions {
  readonly dataDirectory: string;
  readonly entries: Entries;
  /** Entail's own version, for the record of a run. */
  readonly version: string;
  /** Sentences that a person should read, such as that a damaged file was set aside. */
  readonly onNotice: (notice: string) => void;
}

/**
 * A studio over a data directory, which is made when it is not there. Databases open when they are first needed, so
 * that a damaged one does not keep `engines doctor` from answering.
 * @throws StudioError UNREADABLE or WRITE_FAILED for a directory that cannot be used.
 */
export function openStudio({ dataDirectory, entries, version, onNotice }: StudioOptions): Studio {
  try {
    mkdirSync(dataDirectory, { recursive: true });
  } catch (thrown) {
    throw writeError(thrown, dataDirectory);
  }
  const databases = new Databases(dataPlaces(dataDirectory), onNotice);
  const environment = describeEnvironment({ version, root: dirname(import.meta.dirname) });
  const engines = new EngineService(dataDirectory);
  return {
    dataDirectory,
    datasets: new DatasetService(databases),
    engines,
    runs: new RunService(databases),
    training: new TrainingService({ databases, entries, environment, engines }),
    inference: new InferenceService({ databases, entries, engines }),
    close: () => databases.close(),
  };
}
