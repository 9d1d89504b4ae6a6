/** @file Runs under Node. Training runs from request to result: made, supervised, stored, resumed. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../../shared/datasets.ts';
import type { EngineName } from '../../shared/engines.ts';
import { errorData, StudioError } from '../../shared/errors.ts';
import type { Environment, RunConfig, RunRecord, RunResult, WorkerReport } from '../../shared/runs.ts';
import { requireDataset } from '../data/datasets.ts';
import { addTag } from '../db/annotations.ts';
import { claimRun, type Lease } from '../db/lease.ts';
import { failRun, setState } from '../db/runState.ts';
import { createRun, findRun } from '../db/runs.ts';
import type { Entries } from '../entries.ts';
import { writeFileAtomic } from '../files/atomicWrite.ts';
import { checkpointsFolder, listFolders } from '../training/checkpoints.ts';
import { type SupervisedTraining, superviseTraining, type TrainingJob } from '../training/supervisor.ts';
import type { Databases } from './databases.ts';
import { encodeForRun } from './encodeForRun.ts';
import type { EngineService } from './engines.ts';
import { ReportSink } from './reportSink.ts';
import {
  readVocabulary,
  type StartingPoint,
  type StartRequest,
  startingPoint,
  VOCABULARY_FILE,
} from './startingPoint.ts';
import { requireSameData, requireTrainable } from './trainable.ts';

export interface TrainRequest extends StartRequest {
  readonly dataset: string;
  /** Null means the best that works. */
  readonly engine: EngineName | null;
  readonly threads: number | null;
  readonly name: string | null;
  readonly experiment: string | null;
  readonly tags: readonly string[];
}

export type TrainingEnd =
  | { readonly outcome: 'finished'; readonly result: RunResult }
  | { readonly outcome: 'stopped'; readonly step: number };

export interface RunningTraining {
  readonly runId: string;
  /** Ends in good order: at the end of the micro-batch, with a checkpoint. */
  stop(): void;
  /** Ends at once; the run becomes "interrupted". */
  kill(): void;
  /** Everything is stored when it settles. Rejects with a StudioError when the run has failed. */
  readonly done: Promise<TrainingEnd>;
}

/** What the training service is told once. */
export interface TrainingSetting {
  readonly databases: Databases;
  readonly entries: Entries;
  readonly environment: Environment;
  readonly engines: EngineService;
}

/** The engine of a run, and what its process needs. */
interface ChosenEngine {
  readonly name: EngineName;
  readonly threads: number | null;
  readonly environment: Readonly<Record<string, string>>;
}

interface Attempt {
  readonly engine: ChosenEngine;
  /** Name of a checkpoint's folder, or null to begin anew. */
  readonly resumeFrom: string | null;
  readonly onReports: OnReports;
}

/** Called with reports that are on the disk. */
export type OnReports = (reports: readonly WorkerReport[]) => void;

const HEARTBEAT_MS = 10_000;

export class TrainingService {
  readonly #setting: TrainingSetting;

  constructor(setting: TrainingSetting) {
    this.#setting = setting;
  }

  /** Makes a run and starts its worker. @throws StudioError for a data set, engine or vocabulary that does not fit. */
  async start(request: TrainRequest, onReports: OnReports, signal?: AbortSignal): Promise<RunningTraining> {
    const { databases, environment } = this.#setting;
    const dataset = requireDataset(databases.cache(), request.dataset);
    requireTrainable(dataset, request.hyperparameters);
    const start = startingPoint(databases, request, dataset);
    const engine = await this.#engineFor(request.engine, request.threads);
    const config = runConfig(request, dataset, start);
    const { hyperparameters } = config;
    await encodeForRun(
      databases.cache(),
      { dataset, vocabulary: start.vocabulary, hyperparameters },
      { onReports, signal },
    );
    const store = databases.store();
    await databases.backUp();
    const runId = createRun(store, {
      config,
      environment,
      ...(request.name === null ? {} : { name: request.name }),
      ...(request.experiment === null ? {} : { experiment: request.experiment }),
    });
    const lease = claimRun(store, runId);
    return this.#guarded(runId, lease, () => {
      for (const tag of request.tags) addTag(store, runId, tag);
      mkdirSync(checkpointsFolder(this.#runDirectory(runId)), { recursive: true });
      writeFileAtomic(this.#vocabularyPath(runId), start.vocabulary.toJson());
      return this.#supervise(findRun(store, runId), lease, { engine, resumeFrom: null, onReports });
    });
  }

  /**
   * Goes on with a run that was stopped, interrupted or has failed, from its newest checkpoint.
   * @throws StudioError NOT_FOUND; USAGE when it is completed; LOCKED when a process works on it.
   */
  async resume(idOrPrefix: string, onReports: OnReports, signal?: AbortSignal): Promise<RunningTraining> {
    const { databases } = this.#setting;
    const store = databases.store();
    const run = findRun(store, idOrPrefix);
    if (run.state === 'completed') {
      throw new StudioError('USAGE', `Run ${run.id} is completed; there is nothing to resume.`, {
        nextStep: `Look at it: npx --no entail runs show ${run.id}`,
      });
    }
    const dataset = requireDataset(databases.cache(), run.config.dataset.name);
    requireSameData(run, dataset);
    const vocabulary = readVocabulary(this.#vocabularyPath(run.id));
    await encodeForRun(
      databases.cache(),
      { dataset, vocabulary, hyperparameters: run.config.hyperparameters },
      { onReports, signal },
    );
    await databases.backUp();
    // The same engine and threads as before: others would not continue bit for bit.
    const engine = await this.#engineFor(
      run.engine?.engine ?? run.config.engine,
      run.engine?.threads ?? null,
    );
    const lease = claimRun(store, run.id);
    return this.#guarded(run.id, lease, () => {
      const [newest] = listFolders(checkpointsFolder(this.#runDirectory(run.id)));
      return this.#supervise(run, lease, { engine, resumeFrom: newest ?? null, onReports });
    });
  }

  /** @throws StudioError ENGINE_MISSING when the engine, or any, does not work here. */
  async #engineFor(asked: EngineName | null, threads: number | null): Promise<ChosenEngine> {
    const { engines } = this.#setting;
    const name = await engines.choose(asked);
    return { name, threads, environment: await engines.workerEnvironment(name, threads) };
  }

  #runDirectory(runId: string): string {
    return join(this.#setting.databases.places.runs, runId);
  }

  #vocabularyPath(runId: string): string {
    return join(this.#runDirectory(runId), VOCABULARY_FILE);
  }

  /** What fails between claiming a run and its worker's start is the run's failure, and frees it. */
  #guarded(runId: string, lease: Lease, work: () => RunningTraining): RunningTraining {
    try {
      return work();
    } catch (thrown) {
      failRun(this.#setting.databases.store(), runId, errorData(thrown));
      lease.release();
      throw thrown;
    }
  }

  #supervise(run: RunRecord, lease: Lease, { engine, resumeFrom, onReports }: Attempt): RunningTraining {
    const { databases, entries } = this.#setting;
    const job: TrainingJob = {
      runId: run.id,
      runDirectory: this.#runDirectory(run.id),
      cachePath: databases.places.cacheDatabase,
      dataDirectory: databases.places.root,
      datasetId: requireDataset(databases.cache(), run.config.dataset.name).id,
      config: run.config,
      vocabularyPath: this.#vocabularyPath(run.id),
      engine: engine.name,
      threads: engine.threads,
      resumeFrom,
    };
    const store = databases.store();
    const sink = new ReportSink(store, run.id, onReports);
    let killed = false;
    const training = superviseTraining({
      entry: entries.path('training'),
      job,
      environment: engine.environment,
      onReports: (reports) => {
        if (!sink.take(reports)) training.kill();
      },
    });
    const beat = setInterval(() => sink.attempt(() => lease.heartbeat()), HEARTBEAT_MS);
    const done = this.#settle(training, sink, () => killed).finally(() => {
      clearInterval(beat);
      lease.release();
    });
    return {
      runId: run.id,
      stop: () => training.stop(),
      kill: () => {
        killed = true;
        training.kill();
      },
      done,
    };
  }

  /** Waits for the worker's end, stores it where the worker could not report it, and says how it ended. */
  async #settle(
    training: SupervisedTraining,
    sink: ReportSink,
    wasKilled: () => boolean,
  ): Promise<TrainingEnd> {
    const store = this.#setting.databases.store();
    const end = await training.done;
    sink.finish();
    const state = findRun(store, sink.runId).state;
    if (end.outcome === 'finished') return { outcome: 'finished', result: end.result };
    // Killed by the second Ctrl-C, or by the supervisor because the worker did not hear the first.
    const interrupted = end.outcome === 'failed' && end.error.code === 'INTERRUPTED';
    if (wasKilled() || interrupted) {
      if (state !== 'stopped') setState(store, sink.runId, 'interrupted');
      throw new StudioError(
        'INTERRUPTED',
        `Run ${sink.runId} was ended at once; it goes on from its last checkpoint.`,
        {
          nextStep: `Go on with it: npx --no entail runs resume ${sink.runId}`,
        },
      );
    }
    if (end.outcome === 'stopped') {
      if (state !== 'stopped') setState(store, sink.runId, 'stopped');
      return { outcome: 'stopped', step: end.step };
    }
    if (state !== 'failed') failRun(store, sink.runId, end.error);
    throw new StudioError(end.error.code, end.error.message, {
      nextStep:
        end.error.nextStep === ''
          ? `Go on from the last checkpoint: npx --no entail runs resume ${sink.runId}`
          : end.error.nextStep,
      ...(end.error.place === undefined ? {} : { place: end.error.place }),
    });
  }
}

function runConfig(request: TrainRequest, dataset: Dataset, start: StartingPoint): RunConfig {
  const { id, name, contentHash, labels, sentencesPerExample } = dataset;
  return {
    dataset: { id, name, contentHash, labels, sentencesPerExample },
    hyperparameters: request.hyperparameters,
    model: start.model,
    vocabularyHash: start.vocabulary.hash,
    engine: request.engine,
    startFrom: start.startFrom,
  };
}
