/** @file Runs in the training worker. One run, from job to result: data, engine, weights, loop, reports. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { Dataset, Split } from '../../shared/datasets.ts';
import type { EngineRecord } from '../../shared/engines.ts';
import type { StudioError } from '../../shared/errors.ts';
import type { MetricPoint, WorkerReport } from '../../shared/runs.ts';
import { epochOrder, planMicroBatches, stepsPerEpoch } from '../data/batches.ts';
import { type Cache, openCache } from '../data/cache.ts';
import type { EncodedSplit } from '../data/encoding.ts';
import { ownTokenizer } from '../data/ownTokenizer.ts';
import type { PairTokenizer } from '../data/pairTokenizer.ts';
import { openEngine } from '../engines/registry.ts';
import { elementCount } from '../model/parameters.ts';
import { classWeightsOf, firstWeights, resumePoint } from './beginning.ts';
import { weightsToUse, writeCheckpoint } from './checkpoints.ts';
import { ClassifierTask, type TaskOptions } from './classifierTask.ts';
import { probabilitiesOf, summarise } from './evaluation.ts';
import type { TrainingJob } from './jobs.ts';
import { TrainingLoop } from './loop.ts';
import { type LoopTask, type RunWishes, StopSignal } from './loopParts.ts';
import { freshState, type LoopState } from './loopState.ts';
import { evaluationTokensOf, microBatchTokensOf } from './microBatchSize.ts';
import { ProgressReports } from './progressReports.ts';
import { watchSystem } from './systemMetrics.ts';
import { encodedSplits } from './trainingData.ts';

/** The run's links to the world outside. */
export interface RunLinks {
  readonly report: (report: WorkerReport) => void;
  readonly beat: () => void;
  readonly wishes: RunWishes;
  /** Settles when everything reported so far has reached the supervisor. */
  readonly handOver: () => Promise<void>;
}

const SYSTEM_EVERY_MS = 5000;
const CHECKPOINT_EVERY_MS = 10 * 60 * 1000;

export async function runTraining(job: TrainingJob, links: RunLinks): Promise<void> {
  const cache = openCache(job.cachePath, { readOnly: true });
  try {
    const run = await TrainingRun.prepare(job, links, cache);
    await run.go();
  } finally {
    cache.close();
  }
}

interface Prepared {
  readonly job: TrainingJob;
  readonly links: RunLinks;
  readonly dataset: Dataset;
  readonly splits: ReadonlyMap<Split, EncodedSplit>;
  readonly tokenizer: PairTokenizer;
  readonly engine: EngineRecord;
  /** Kernels that the engine has not, by name. */
  readonly fallbacks: ReadonlyMap<string, number>;
  readonly task: ClassifierTask;
  readonly state: LoopState;
}

class TrainingRun implements LoopTask {
  readonly #prepared: Prepared;
  readonly #task: ClassifierTask;
  #order: { epoch: number; pairs: Int32Array } | null = null;

  private constructor(prepared: Prepared) {
    this.#prepared = prepared;
    this.#task = prepared.task;
  }

  static async prepare(job: TrainingJob, links: RunLinks, cache: Cache): Promise<TrainingRun> {
    const tokenizer = ownTokenizer(job.runDirectory, job.config);
    const { dataset, splits } = await encodedSplits(job, links.beat, { cache, tokenizer });
    const {
      record,
      adamVariables,
      fallbacks = new Map(),
    } = await openEngine(job.engine, {
      dataDirectory: job.dataDirectory,
      ...(job.threads === null ? {} : { threads: job.threads }),
      precision: job.config.hyperparameters.precision,
      nice: job.config.hyperparameters.nice,
    });
    links.beat();
    const checkpoint = job.resumeFrom === null ? null : resumePoint(job, record, links.report);
    const begin = checkpoint?.parameter ?? firstWeights(job, links.report);
    const classWeights = classWeightsOf(job, splits.get('train')!);
    const { hyperparameters, model } = job.config;
    const options: TaskOptions = {
      config: model,
      hyperparameters,
      classWeights,
      factory: adamVariables,
      begin,
    };
    const state = checkpoint?.state ?? freshState();
    const task = new ClassifierTask(options);
    const data = { dataset, splits, tokenizer };
    return new TrainingRun({ job, links, ...data, engine: record, fallbacks, task, state });
  }

  async go(): Promise<void> {
    const { job, links, engine, state } = this.#prepared;
    const { hyperparameters } = job.config;
    const perEpoch = stepsPerEpoch(this.trainPairs, hyperparameters.batchSize);
    const totalSteps = perEpoch * hyperparameters.epochs;
    links.report({
      kind: 'started',
      engine,
      stepsPerEpoch: perEpoch,
      totalSteps,
      resumedAtStep: state.step,
      truncatedPairs: this.truncatedPairs,
      parameters: this.#task.shapes.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    });
    const stopWatching = this.#watchSystem(perEpoch);
    const progress = new ProgressReports(links.report, { stepsPerEpoch: perEpoch, totalSteps });
    const listener = {
      metrics: (points: readonly MetricPoint[]) => links.report({ kind: 'metrics', points }),
      progress: progress.tell.bind(progress),
      paused: ({ step }: LoopState, waitsFor: StudioError | null) => this.#reportPause(step, waitsFor),
      continued: () => links.report({ kind: 'continued' }),
      waiting: () => links.beat(),
    };
    const options = {
      hyperparameters,
      stepsPerEpoch: perEpoch,
      selectsOnTest: this.#selection === 'test' && this.selectionPairs > 0,
      wishes: links.wishes,
      checkpointEveryMs: CHECKPOINT_EVERY_MS,
    };
    try {
      const outcome = await new TrainingLoop(this, listener, options, state).run();
      this.#tellFallbacks();
      if (outcome.kind === 'stopped') {
        const kept = outcome.result === null ? {} : { result: outcome.result };
        links.report({ kind: 'stopped', step: state.step, ...kept });
      } else links.report({ kind: 'finished', result: outcome.result });
    } finally {
      stopWatching();
      this.#task.dispose();
    }
  }

  get trainPairs(): number {
    return this.#split('train').pairs;
  }

  get truncatedPairs(): number {
    return this.#split('train').truncatedPairs;
  }

  get selectionPairs(): number {
    return this.#split(this.#selection).pairs;
  }

  get testPairs(): number {
    return this.#split('test').pairs;
  }

  /** Choices look at dev; only a data set without one makes them look at test labels, which is then said. */
  get #selection(): Split {
    return this.#split('dev').pairs > 0 ? 'dev' : 'test';
  }

  trainStep({
    epoch,
    stepInEpoch,
    step,
    lr,
  }: {
    epoch: number;
    stepInEpoch: number;
    step: number;
    lr: number;
  }): Promise<Tensor1D> {
    const { hyperparameters, model } = this.#prepared.job.config;
    const { batchSize, seed } = hyperparameters;
    const microBatchTokens = microBatchTokensOf(hyperparameters, model, this.#prepared.engine.engine);
    const split = this.#split('train');
    if (this.#order?.epoch !== epoch) this.#order = { epoch, pairs: epochOrder(split.pairs, seed, epoch) };
    const members = this.#order.pairs.subarray(stepInEpoch * batchSize, (stepInEpoch + 1) * batchSize);
    const microBatches = planMicroBatches(split, members, { microBatchTokens });
    const { beat } = this.#prepared.links;
    const betweenMicroBatches = async () => {
      beat();
      await nextTurn();
    };
    return this.#task.step(microBatches, { step, lr, betweenMicroBatches });
  }

  async evaluateSelection(state: LoopState): Promise<number> {
    return (await this.#evaluate(this.#selection, state, false))!;
  }

  evaluateTest(state: LoopState): Promise<number | null> {
    return this.#evaluate('test', state, true);
  }

  async save(state: LoopState, kind: 'last' | 'best'): Promise<void> {
    const { job, links, tokenizer } = this.#prepared;
    const { runDirectory, config } = job;
    await links.handOver();
    const { record, removed } = await writeCheckpoint(this.#task, state, kind, {
      runDirectory,
      config,
      tokenizer,
      beat: links.beat,
    });
    links.beat();
    links.report({ kind: 'checkpoint', checkpoint: record });
    for (const folder of removed) links.report({ kind: 'checkpointRemoved', folder });
  }

  async restoreBest(): Promise<void> {
    const { job } = this.#prepared;
    const best = weightsToUse(job.runDirectory, 'best');
    this.#task.restore(best.parameter);
  }

  async #evaluate(name: Split, state: LoopState, keepPredictions: boolean): Promise<number | null> {
    const { job, links } = this.#prepared;
    const split = this.#split(name);
    if (split.pairs === 0) return null;
    const between = async () => {
      links.beat();
      await nextTurn();
      if (links.wishes.stop && !links.wishes.keep) throw new StopSignal();
    };
    const evaluated = await probabilitiesOf(job.config.model, this.#task, split, {
      microBatchTokens: evaluationTokensOf(job.config.model, this.#prepared.engine.engine),
      between,
    });
    const { step } = state;
    const epoch =
      state.epoch + state.stepInEpoch / stepsPerEpoch(this.trainPairs, job.config.hyperparameters.batchSize);
    const { labels } = job.config.dataset;
    const evaluation = summarise(evaluated, split.labels, { split: name, step, epoch, labels });
    const common = { step, epoch, atMs: Date.now() };
    links.report({
      kind: 'metrics',
      points: (['loss', 'accuracy', 'macroF1'] as const).map((figure) => ({
        metric: `${name === 'train' ? 'dev' : name}/${figure}` as const,
        value: evaluation[figure],
        ...common,
      })),
    });
    const predictions = keepPredictions
      ? { split: name, step, classes: labels.length, probabilities: evaluated.values }
      : null;
    links.report({ kind: 'evaluation', evaluation, predictions });
    return evaluation.accuracy;
  }

  #split(name: Split): EncodedSplit {
    return this.#prepared.splits.get(name)!;
  }

  /** A defect that costs time and nothing else. */
  #tellFallbacks(): void {
    const { fallbacks, engine, links } = this.#prepared;
    if (fallbacks.size === 0) return;
    const text = `Kernels that ${engine.engine} has not ran in plain JavaScript, slowly: ${[...fallbacks.keys()].join(', ')}.`;
    links.report({ kind: 'log', level: 'warning', text });
  }

  #reportPause(step: number, waitsFor: StudioError | null): void {
    const { report } = this.#prepared.links;
    if (waitsFor !== null) {
      const text =
        'The disk is full: the run waits, and goes on by itself when there is room for its checkpoint.';
      report({ kind: 'log', level: 'warning', text });
    }
    report({ kind: 'paused', step, waitsFor: waitsFor?.toData() ?? null });
  }

  #watchSystem(perEpoch: number): () => void {
    const { links, state, engine } = this.#prepared;
    return watchSystem(
      (figures) => {
        const common = {
          step: state.step,
          epoch: state.epoch + state.stepInEpoch / perEpoch,
          atMs: Date.now(),
        };
        links.report({
          kind: 'metrics',
          points: [...figures].map(([metric, value]) => ({ metric, value, ...common })),
        });
      },
      { everyMs: SYSTEM_EVERY_MS, gpu: engine.device.startsWith('cuda') },
    );
  }
}
