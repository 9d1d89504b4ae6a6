/** @file Tests. The services around a playground on a fresh data directory, and runs that are really trained in it. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { importDataset } from '../../main/data/importDataset.ts';
import { checkoutEntries } from '../../main/entries.ts';
import type { RunningTraining } from '../../main/studio/attempt.ts';
import { Databases } from '../../main/studio/databases.ts';
import { dataPlaces } from '../../main/studio/dataDirectory.ts';
import { DeviceService } from '../../main/studio/devices.ts';
import { EngineService } from '../../main/studio/engines.ts';
import { ImportedModelService } from '../../main/studio/importedModels.ts';
import { InferenceService } from '../../main/studio/inference.ts';
import { PlaygroundService } from '../../main/studio/playground.ts';
import { TrainingService } from '../../main/studio/training.ts';
import type { EngineName } from '../../shared/engines.ts';
import { hyperparametersSchema } from '../../shared/hyperparameters.ts';
import type { WorkerReport } from '../../shared/runs.ts';
import { type CsvPair, writePairsCsv } from './pairsCsv.ts';
import { sampleEnvironment } from './sampleRun.ts';
import { temporaryFolder } from './temporaryFolder.ts';

/** The smallest network that has several layers and heads. */
const TINY = {
  size: 'free',
  hidden: 16,
  heads: 2,
  feedForward: 24,
  layers: 2,
  workers: 1,
  minFreq: 1,
  epochs: 1,
};

export class PlaygroundStudio {
  readonly databases: Databases;
  readonly inference: InferenceService;
  readonly models: ImportedModelService;
  readonly #training: TrainingService;

  readonly #engine: EngineName;

  constructor(engine: EngineName = 'wasm') {
    this.#engine = engine;
    this.databases = new Databases(dataPlaces(temporaryFolder()), () => {});
    const engines = new EngineService(this.databases.places.root);
    const setting = { databases: this.databases, entries: checkoutEntries(), engines };
    this.inference = new InferenceService(setting);
    this.models = new ImportedModelService(this.databases);
    const devices = new DeviceService(setting);
    this.#training = new TrainingService({ ...setting, devices, environment: sampleEnvironment });
  }

  playground(idleMs?: number): PlaygroundService {
    return new PlaygroundService({
      ...{ databases: this.databases, inference: this.inference },
      wish: () => ({ engine: 'wasm', threads: null }),
      ...(idleMs === undefined ? {} : { idleMs }),
    });
  }

  async import(name: string, pairs: readonly CsvPair[]): Promise<void> {
    const path = join(temporaryFolder(), 'pairs.csv');
    writePairsCsv(path, pairs);
    await importDataset(this.databases.cache(), { path, name });
  }

  /** Imports single sentences. */
  async importSingle(name: string, sentences: readonly CsvPair[]): Promise<void> {
    const path = join(temporaryFolder(), 'sentences.csv');
    writePairsCsv(path, sentences);
    const mapping = { premise: 'premise', hypothesis: null, label: 'label', split: 'split' };
    await importDataset(this.databases.cache(), { path, name, mapping });
  }

  async startTraining(
    dataset: string,
    changes: object = {},
    onReports: (reports: readonly WorkerReport[]) => void = () => {},
    startFrom: string | null = null,
  ): Promise<RunningTraining> {
    const hyperparameters = hyperparametersSchema.parse({ ...TINY, ...changes });
    const request = { vocabularyPath: null, startFrom, name: null, experiment: null, tags: [] };
    return await this.#training.start(
      { ...request, dataset, hyperparameters, engine: this.#engine, threads: null },
      { onReports },
    );
  }

  /** A run that waits, and never trains here. -> its id */
  async enqueue(dataset: string, changes: object, startFrom: string): Promise<string> {
    const hyperparameters = hyperparametersSchema.parse({ ...TINY, ...changes });
    const request = { vocabularyPath: null, startFrom, name: null, experiment: null, tags: [] };
    return await this.#training.enqueue(
      { ...request, dataset, hyperparameters, engine: 'wasm', threads: null },
      0,
    );
  }

  async resume(run: string, onReports: (reports: readonly WorkerReport[]) => void): Promise<RunningTraining> {
    return await this.#training.resume(run, { listener: { onReports } });
  }

  /** -> the id of a finished run. */
  async train(dataset: string, changes: object = {}): Promise<string> {
    const training = await this.startTraining(dataset, changes);
    await training.done;
    return training.runId;
  }
}

/** Process ids of the loaded models that this process keeps. */
export function inferenceChildren(): number[] {
  const processes = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return processes
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((found) => Number(found?.[2]) === process.pid && found?.[3]?.includes('inferenceWorker') === true)
    .map((found) => Number(found![1]));
}
