/** @file Runs in the training worker. One run, from job to result: data, engine, weights, loop, reports. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { Split } from '../../shared/datasets.ts';
import type { EngineRecord } from '../../shared/engines.ts';
import type { StudioError } from '../../shared/errors.ts';
import type { MetricPoint, WorkerReport } from '../../shared/runs.ts';
import { stepsPerEpoch } from '../data/batches.ts';
import { elementCount } from '../model/parameters.ts';
import { weightsToUse, writeCheckpoint } from './checkpoints.ts';
import type { TrainingJob } from './jobs.ts';
import { TrainingLoop } from './loop.ts';
import {
  type FurtherFigures,
  type LoopTask,
  type RunWishes,
  type SelectionFigures,
  StopSignal,
} from './loopParts.ts';
import type { LoopState } from './loopState.ts';
import { type OpenRun, openRun } from './openRun.ts';
import { resumeWith, withSmallerMicroBatch } from './outOfMemory.ts';
import { Leader } from './parallel/leader.ts';
import { ProgressReports } from './progressReports.ts';
import type { RunWork, StepPlace } from './runWork.ts';
import { watchSystem } from './systemMetrics.ts';

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
  const run = await TrainingRun.prepare(job, links);
  await run.go();
}

interface Prepared extends OpenRun {
  readonly job: TrainingJob;
  readonly links: RunLinks;
}

class TrainingRun implements LoopTask {
  readonly #prepared: Prepared;
  readonly #work: RunWork;
  readonly #leader: Leader;

  private constructor(prepared: Prepared) {
    this.#prepared = prepared;
    this.#work = prepared.work;
    this.#leader = new Leader(prepared.job, prepared.crew);
  }

  static async prepare(job: TrainingJob, links: RunLinks): Promise<TrainingRun> {
    const notice = (text: string) => links.report({ kind: 'log', level: 'warning', text });
    return new TrainingRun({ job, links, ...(await openRun(job, { ...links, notice })) });
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
      parameters: this.#work.network.shapes.reduce((sum, { shape }) => sum + elementCount(shape), 0),
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
      await this.#leader.compare(this.#work.network);
      const outcome = await new TrainingLoop(this, listener, options, state).run();
      await this.#leader.end();
      this.#tellFallbacks();
      if (outcome.kind === 'stopped') {
        const kept = outcome.result === null ? {} : { result: outcome.result };
        links.report({ kind: 'stopped', step: state.step, ...kept });
      } else links.report({ kind: 'finished', result: outcome.result });
    } catch (thrown) {
      throw withSmallerMicroBatch(thrown, {
        microBatchTokens: this.#work.largestMicroBatch,
        how: resumeWith(job),
      });
    } finally {
      stopWatching();
      this.#leader.leave();
      this.#work.network.dispose();
    }
  }

  get trainPairs(): number {
    return this.#work.pairs.train;
  }

  get truncatedPairs(): number {
    return this.#work.truncatedPairs;
  }

  get further(): FurtherFigures | null {
    return this.#work.further;
  }

  get selectionPairs(): number {
    return this.#work.pairs[this.#selection];
  }

  get testPairs(): number {
    return this.#work.pairs.test;
  }

  /** Choices look at dev; only a data set without one makes them look at test labels, which is then said. */
  get #selection(): Split {
    return this.#work.pairs.dev > 0 ? 'dev' : 'test';
  }

  async trainStep(position: StepPlace): Promise<Tensor1D> {
    const { keepUp } = this.#prepared;
    const { beat } = this.#prepared.links;
    await this.#leader.step(position);
    return await this.#work.trainStep(position, async () => {
      beat();
      await keepUp();
      beat();
      await nextTurn();
    });
  }

  async evaluateSelection(state: LoopState): Promise<SelectionFigures> {
    return await this.#evaluate(this.#selection, state, false);
  }

  async evaluateTest(state: LoopState): Promise<number | null> {
    return this.testPairs === 0 ? null : (await this.#evaluate('test', state, true)).accuracy;
  }

  async save(state: LoopState, kind: 'last' | 'best'): Promise<void> {
    const { job, links, tokenizer } = this.#prepared;
    const { runDirectory, config } = job;
    await this.#leader.compare(this.#work.network);
    await links.handOver();
    const { record, removed } = await writeCheckpoint(this.#work.network, state, kind, {
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
    this.#work.network.restore(best.parameter);
  }

  async #evaluate(split: Split, state: LoopState, keepPredictions: boolean): Promise<SelectionFigures> {
    const { job, links } = this.#prepared;
    const between = async () => {
      links.beat();
      await nextTurn();
      if (links.wishes.stop && !links.wishes.keep) throw new StopSignal();
    };
    const { step } = state;
    const epoch =
      state.epoch + state.stepInEpoch / stepsPerEpoch(this.trainPairs, job.config.hyperparameters.batchSize);
    const evaluated = await this.#work.evaluate(split, { step, epoch }, { keepPredictions, between });
    const { points, evaluation, predictions } = evaluated;
    links.report({ kind: 'metrics', points });
    links.report({ kind: 'evaluation', evaluation, predictions });
    return evaluated;
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
      { everyMs: SYSTEM_EVERY_MS, cudaDevice: cudaDeviceNumber(engine) },
    );
  }
}

/** Of the GPU whose figures nvidia-smi is asked for; null on everything else. */
function cudaDeviceNumber({ device }: EngineRecord): number | null {
  const number = /^cuda:(\d+)/.exec(device)?.[1];
  return number === undefined ? null : Number(number);
}
