/** @file Runs under Node. Stored models at work: evaluating a split, predicting pairs. The model runs in a child process. */
import { join } from 'node:path';
import type { Dataset, Split } from '../../shared/datasets.ts';
import type { EngineName } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { EvaluationRecord, RunRecord } from '../../shared/runs.ts';
import { requireDataset } from '../data/datasets.ts';
import { findRun } from '../db/runs.ts';
import type { Entries } from '../entries.ts';
import { checkpointsFolder, listFolders } from '../training/checkpoints.ts';
import {
  type HeadAttention,
  type HeadPlace,
  type Inspection,
  type PredictionJob,
  type RawPair,
  superviseEvaluation,
  superviseInference,
} from '../training/inference.ts';
import type { Databases } from './databases.ts';
import type { EngineService } from './engines.ts';
import { requireWeights } from './lostFolder.ts';
import { requireClassifier } from './preparedRun.ts';
import { requireSameData } from './trainable.ts';

export type { RawPair } from '../training/inference.ts';

/** A model that is loaded and answers. */
export interface Predictor {
  readonly runId: string;
  readonly labels: readonly string[];
  /** True when the model compares two sentences. */
  readonly pairs: boolean;
  /** Probabilities, row-major [pairs, labels]. */
  predict(pairs: readonly RawPair[]): Promise<Float32Array>;
  /** Ends the child at once; what is asked of it fails. */
  kill(): void;
  close(): Promise<void>;
}

/** The same, for looking closely at single pairs. */
export interface InspectablePredictor extends Predictor {
  readonly engine: EngineName;
  inspect(pair: RawPair): Promise<Inspection>;
  /** `place` must be one of the model's. */
  attend(pair: RawPair, place: HeadPlace): Promise<HeadAttention>;
  /** True once its child is gone, for whatever reason. */
  hasEnded(): boolean;
}

export interface EngineWish {
  readonly engine: EngineName | null;
  readonly threads: number | null;
}

export interface EvaluateRequest extends EngineWish {
  /** Null is the run's own. */
  readonly dataset: string | null;
  readonly split: Split;
  readonly signal: AbortSignal;
  /** Share done, 0 to 1. */
  readonly onProgress: (fraction: number) => void;
}

export interface Evaluated {
  readonly runId: string;
  readonly dataset: Dataset;
  readonly evaluation: EvaluationRecord;
}

export interface InferenceSetting {
  readonly databases: Databases;
  readonly entries: Entries;
  readonly engines: EngineService;
}

export class InferenceService {
  readonly #setting: InferenceSetting;

  constructor(setting: InferenceSetting) {
    this.#setting = setting;
  }

  /**
   * Loads the weights that a run ended with; the signal ends that early.
   * @throws StudioError NOT_FOUND, and what keeps them from being loaded.
   */
  async openPredictor(
    idOrPrefix: string,
    wish: EngineWish,
    signal?: AbortSignal,
  ): Promise<InspectablePredictor> {
    const run = this.#trainedRun(idOrPrefix);
    const { place, environment } = await this.#placeOf(run, wish);
    const child = await superviseInference({
      entry: this.#setting.entries.path('inference'),
      environment,
      job: place,
      ...(signal === undefined ? {} : { signal }),
    });
    return {
      runId: run.id,
      engine: place.engine,
      labels: run.config.dataset.labels,
      pairs: run.config.dataset.sentencesPerExample !== 1,
      predict: (pairs) => child.predict(pairs),
      inspect: (pair) => child.inspect(pair),
      attend: (pair, head) => child.attend(pair, head),
      hasEnded: () => child.hasEnded(),
      kill: () => child.kill(),
      close: () => child.close(),
    };
  }

  /** Evaluates a split with the weights that a run ended with; nothing is stored. @throws StudioError as above. */
  async evaluate(idOrPrefix: string, request: EvaluateRequest): Promise<Evaluated> {
    const { databases, entries } = this.#setting;
    const run = this.#trainedRun(idOrPrefix);
    const dataset = requireDataset(databases.cache(), request.dataset ?? run.config.dataset.name);
    if (request.dataset === null) requireSameData(run, dataset);
    const { place, environment } = await this.#placeOf(run, request);
    const { evaluation } = await superviseEvaluation({
      entry: entries.path('inference'),
      environment,
      job: {
        ...place,
        cachePath: databases.places.cacheDatabase,
        dataset: dataset.name,
        split: request.split,
      },
      signal: request.signal,
      onProgress: request.onProgress,
    });
    return { runId: run.id, dataset, evaluation };
  }

  /** @throws StudioError NOT_FOUND for a run that has no checkpoint yet. */
  #trainedRun(idOrPrefix: string): RunRecord {
    const { databases } = this.#setting;
    const run = findRun(databases.store(), idOrPrefix);
    requireClassifier(run, 'it has nothing to predict with');
    requireWeights(databases, run.id);
    if (listFolders(checkpointsFolder(join(databases.places.runs, run.id))).length > 0) return run;
    throw new StudioError('NOT_FOUND', `Run ${run.id} has no checkpoint, and so no weights to use.`, {
      nextStep: `Go on with it: npx --no entail runs resume ${run.id}`,
    });
  }

  async #placeOf(
    { id, config }: RunRecord,
    wish: EngineWish,
  ): Promise<{ readonly place: PredictionJob; readonly environment: Record<string, string> }> {
    const { databases, engines } = this.#setting;
    const engine = await engines.choose(wish.engine);
    const runDirectory = join(databases.places.runs, id);
    const place = {
      runDirectory,
      dataDirectory: databases.places.root,
      engine,
      threads: wish.threads,
      config,
    };
    return { place, environment: await engines.workerEnvironment(engine, wish.threads) };
  }
}
