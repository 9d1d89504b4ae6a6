/** @file Runs under Node. Stored models at work: evaluating a split, predicting pairs. The model runs in a child process. */
import type { Dataset, Split } from '../../shared/datasets.ts';
import type { EngineName } from '../../shared/engines.ts';
import { StudioError } from '../../shared/errors.ts';
import type { GroupedAccuracy } from '../../shared/kindAccuracy.ts';
import type { EvaluationRecord, RunRecord } from '../../shared/runs.ts';
import { requireDataset } from '../data/datasets.ts';
import type { Entries } from '../entries.ts';
import {
  type HeadAttention,
  type HeadPlace,
  type Inspection,
  type PredictionJob,
  type RawPair,
  superviseEvaluation,
  superviseInference,
} from '../training/inference.ts';
import { type AnsweringModel, findAnsweringModel } from './answeringModels.ts';
import type { Databases } from './databases.ts';
import type { EngineService } from './engines.ts';
import { requireSameData } from './trainable.ts';

export type { RawPair } from '../training/inference.ts';

/** A model that is loaded and answers. */
export interface Predictor {
  /** A run's id, or an imported model's name. */
  readonly modelId: string;
  /** Null for an imported model. */
  readonly runId: string | null;
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
  /** Null is the run's own; an imported model has none. */
  readonly dataset: string | null;
  /** Null is test, or dev where there is no test split. */
  readonly split: Split | null;
  readonly signal: AbortSignal;
  /** Share done, 0 to 1. */
  readonly onProgress: (fraction: number) => void;
}

export interface Evaluated {
  /** A run's id, or an imported model's name. */
  readonly modelId: string;
  /** Null for an imported model. */
  readonly run: RunRecord | null;
  readonly dataset: Dataset;
  readonly evaluation: EvaluationRecord;
  /** By the kinds of examples that the data set tells apart. */
  readonly groups: readonly GroupedAccuracy[];
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

  /** Makes sure that a model can answer, before anything long is done for it. @throws StudioError as `findAnsweringModel`. */
  find(reference: string): void {
    findAnsweringModel(this.#setting.databases, reference);
  }

  /**
   * Loads the weights that a run ended with, or an imported model's; the signal ends that early.
   * @throws StudioError NOT_FOUND, USAGE as `findAnsweringModel`, and what keeps them from being loaded.
   */
  async openPredictor(
    reference: string,
    wish: EngineWish,
    signal?: AbortSignal,
  ): Promise<InspectablePredictor> {
    const model = findAnsweringModel(this.#setting.databases, reference);
    const { place, environment } = await this.#placeOf(model, wish);
    const child = await superviseInference({
      entry: this.#setting.entries.path('inference'),
      environment,
      job: place,
      onNotice: (text) => this.#setting.engines.tell(text),
      ...(signal === undefined ? {} : { signal }),
    });
    return {
      modelId: model.id,
      runId: model.run?.id ?? null,
      engine: place.engine,
      labels: model.labels,
      pairs: model.sentences === 2,
      predict: (pairs) => child.predict(pairs),
      inspect: (pair) => child.inspect(pair),
      attend: (pair, head) => child.attend(pair, head),
      hasEnded: () => child.hasEnded(),
      kill: () => child.kill(),
      close: () => child.close(),
    };
  }

  /** Evaluates a split with such weights; nothing is stored. @throws StudioError as above. */
  async evaluate(reference: string, request: EvaluateRequest): Promise<Evaluated> {
    const { databases, engines, entries } = this.#setting;
    const model = findAnsweringModel(databases, reference);
    const dataset = requireDataset(databases.cache(), request.dataset ?? datasetOf(model));
    if (request.dataset === null && model.run !== null) requireSameData(model.run, dataset);
    requireSentences(model, dataset);
    const { place, environment } = await this.#placeOf(model, request);
    const split = request.split ?? (dataset.rows.test === 0 && dataset.rows.dev > 0 ? 'dev' : 'test');
    const { evaluation, groups } = await superviseEvaluation({
      entry: entries.path('inference'),
      environment,
      job: {
        ...place,
        cachePath: databases.places.cacheDatabase,
        dataset: dataset.name,
        split,
      },
      signal: request.signal,
      onProgress: request.onProgress,
      onNotice: (text) => engines.tell(text),
    });
    return { modelId: model.id, run: model.run, dataset, evaluation, groups };
  }

  async #placeOf(
    { folder, config, weights }: AnsweringModel,
    wish: EngineWish,
  ): Promise<{ readonly place: PredictionJob; readonly environment: Record<string, string> }> {
    const { databases, engines } = this.#setting;
    const engine = await engines.choose(wish.engine);
    const device = await engines.deviceOf(engine);
    const place = {
      runDirectory: folder,
      dataDirectory: databases.places.root,
      engine,
      devices: [device.name],
      threads: wish.threads,
      ...{ config, weights },
    };
    return {
      place,
      environment: await engines.workerEnvironment(engine, { threads: wish.threads, device }),
    };
  }
}

/** @throws StudioError USAGE for an imported model, which belongs to no data set. */
function datasetOf({ id, run }: AnsweringModel): string {
  if (run !== null) return run.config.dataset.name;
  throw new StudioError('USAGE', `The model ${id} belongs to no data set.`, {
    nextStep: 'Name the data set to evaluate it on: --dataset NAME',
  });
}

/** A model that was trained on pairs means nothing by its answer to a single sentence, and the other way round. */
function requireSentences(
  { id, run, sentences }: AnsweringModel,
  { name, sentencesPerExample }: Dataset,
): void {
  if (run !== null || sentences === sentencesPerExample) return;
  const [reads, has] = sentences === 2 ? ['pairs', 'single sentences'] : ['single sentences', 'pairs'];
  throw new StudioError('USAGE', `The model ${id} reads ${reads}; ${name} has ${has}.`, {
    nextStep: 'Choose another data set, or import the model again with --sentences.',
  });
}
