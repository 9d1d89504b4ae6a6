/**
 * @file Runs in the training worker. The loop of epochs and steps. It knows nothing of BERT: a task trains, evaluates
 * and saves, listeners are told. Everything it needs to go on bit for bit after a stop is in `LoopState`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDiskFull, StudioError } from '../../shared/errors.ts';
import type { MetricPoint, RunResult } from '../../shared/runs.ts';
import {
  type LoopListener,
  type LoopOptions,
  type LoopOutcome,
  type LoopTask,
  StopSignal,
} from './loopParts.ts';
import { epochPoints, furtherResult, runningPoints, stepPoints } from './loopPoints.ts';
import type { LoopState } from './loopState.ts';
import { Pace } from './pace.ts';
import { scheduleFactor } from './schedule.ts';
import { StepReadings } from './stepReadings.ts';

const WAIT_MS = 1000;

/** The book plots its running means five times an epoch; fewer than five batches must not divide by zero (book.md 6). */
const POINTS_PER_EPOCH = 5;

export class TrainingLoop {
  readonly #task: LoopTask;
  readonly #listener: LoopListener;
  readonly #options: LoopOptions;
  readonly #state: LoopState;
  readonly #readings: StepReadings;
  readonly #pace: Pace;
  #savedAtMs = performance.now();
  #savedAtStep = -1;

  constructor(task: LoopTask, listener: LoopListener, options: LoopOptions, state: LoopState) {
    this.#task = task;
    this.#listener = listener;
    this.#options = options;
    this.#state = state;
    this.#savedAtStep = state.step;
    this.#readings = new StepReadings();
    const { hyperparameters, stepsPerEpoch } = options;
    const { trainPairs, selectionPairs, testPairs } = task;
    const { epochs, evaluateEvery } = hyperparameters;
    this.#pace = new Pace({ stepsPerEpoch, epochs, trainPairs, selectionPairs, testPairs, evaluateEvery });
  }

  async run(): Promise<LoopOutcome> {
    try {
      while (await this.#advance());
      return { kind: 'finished', result: await this.#finish() };
    } catch (thrown) {
      if (!(thrown instanceof StopSignal)) throw thrown;
      if (this.#savedAtStep !== this.#state.step) await this.#save('last');
      return { kind: 'stopped', result: this.#options.wishes.keep ? await this.#finish() : null };
    } finally {
      this.#readings.dispose();
    }
  }

  /** One step, or what is due between steps. False when the run is over. */
  async #advance(): Promise<boolean> {
    const { epochs, earlyStopping } = this.#options.hyperparameters;
    const state = this.#state;
    if (this.#evaluationDue()) await this.#evaluate();
    const stopsEarly = earlyStopping > 0 && state.evaluationsSinceBest >= earlyStopping;
    if (state.stepInEpoch === this.#options.stepsPerEpoch) {
      this.#endEpoch();
      await this.#save('last');
    }
    if (state.epoch === epochs) return false;
    if (stopsEarly) {
      await this.#endInside();
      return false;
    }
    if (this.#options.wishes.pause) await this.#pause();
    if (this.#options.wishes.stop) throw new StopSignal();
    await this.#saveIfDue();
    await this.#step();
    return true;
  }

  async #step(): Promise<void> {
    const state = this.#state;
    const { hyperparameters, stepsPerEpoch } = this.#options;
    const totalSteps = stepsPerEpoch * hyperparameters.epochs;
    const lr = hyperparameters.lr * scheduleFactor(hyperparameters, state.step, totalSteps);
    const beganMs = performance.now();
    const position = { epoch: state.epoch, stepInEpoch: state.stepInEpoch, step: state.step + 1, lr };
    const reading = await this.#task.trainStep(position);
    const pairs = Math.min(
      hyperparameters.batchSize,
      this.#task.trainPairs - state.stepInEpoch * hyperparameters.batchSize,
    );
    state.step++;
    state.stepInEpoch++;
    const epoch = state.epoch + state.stepInEpoch / stepsPerEpoch;
    this.#readings.add({ step: state.step, epoch, lr, pairs, reading });
    const atPoint = this.#isPlotted(state.stepInEpoch);
    if (atPoint || this.#readings.isDue()) await this.#takeReadings();
    const seconds = (performance.now() - beganMs) / 1000;
    state.epochSeconds += seconds;
    state.trainSeconds += seconds;
    state.trainPairs += pairs;
    this.#pace.step(seconds);
    if (atPoint) this.#listener.metrics(runningPoints(state, epoch));
    this.#listener.progress(state, 'training', this.#pace);
  }

  #isPlotted(stepInEpoch: number): boolean {
    const { stepsPerEpoch } = this.#options;
    const every = Math.max(1, Math.floor(stepsPerEpoch / POINTS_PER_EPOCH));
    return stepInEpoch % every === 0 || stepInEpoch === stepsPerEpoch;
  }

  /** Reads what the device has ready, in one block. */
  async #takeReadings(): Promise<void> {
    const figures = await this.#readings.take();
    const points: MetricPoint[] = [];
    for (const figure of figures) {
      const state = this.#state;
      state.epochLoss += figure.lossSum;
      state.epochCorrect += figure.correct;
      state.epochPairs += figure.pairs;
      state.epochFurther = figure.further.map((value, at) => value + (state.epochFurther[at] ?? 0));
      points.push(...stepPoints(figure, this.#task.further));
    }
    if (points.length > 0) this.#listener.metrics(points);
    const bad = figures.find(
      (figure) => !Number.isFinite(figure.lossSum) || !Number.isFinite(figure.gradientNorm),
    );
    if (bad !== undefined) throw notFinite(bad.step);
  }

  #evaluationDue(): boolean {
    const { step, stepInEpoch, evaluatedAtStep } = this.#state;
    const { evaluateEvery } = this.#options.hyperparameters;
    if (this.#task.selectionPairs === 0 || step === evaluatedAtStep) return false;
    return stepInEpoch === this.#options.stepsPerEpoch || (evaluateEvery > 0 && step % evaluateEvery === 0);
  }

  async #evaluate(): Promise<void> {
    const state = this.#state;
    // A loss that has gone wrong must not be evaluated, let alone become the best.
    await this.#takeReadings();
    this.#listener.progress(state, 'evaluating', this.#pace);
    const beganMs = performance.now();
    const { accuracy, score } = await this.#task.evaluateSelection(state);
    this.#pace.evaluated(this.#task.selectionPairs, (performance.now() - beganMs) / 1000);
    state.evaluatedAtStep = state.step;
    const isBest = state.bestScore === null || score > state.bestScore;
    state.evaluationsSinceBest = isBest ? 0 : state.evaluationsSinceBest + 1;
    if (isBest) Object.assign(state, { bestScore: score, bestAccuracy: accuracy });
    if (isBest && this.#options.hyperparameters.keep === 'best') await this.#save('best');
  }

  #endEpoch(): void {
    const state = this.#state;
    state.lastTrainLoss = state.epochLoss / state.epochPairs;
    state.lastTrainAccuracy = state.epochCorrect / state.epochPairs;
    state.lastFurther = state.epochFurther;
    this.#listener.metrics(epochPoints(state, this.#task));
    Object.assign(state, { epochLoss: 0, epochCorrect: 0, epochPairs: 0, epochSeconds: 0, stepInEpoch: 0 });
    state.epochFurther = [];
    state.epoch++;
  }

  /** Early stopping may come between epochs: what the run ends with must be stored all the same. */
  async #endInside(): Promise<void> {
    const state = this.#state;
    if (state.stepInEpoch > 0) {
      state.lastTrainLoss = state.epochLoss / state.epochPairs;
      state.lastTrainAccuracy = state.epochCorrect / state.epochPairs;
    }
    if (this.#savedAtStep !== state.step) await this.#save('last');
  }

  async #saveIfDue(): Promise<void> {
    const { checkpointEvery } = this.#options.hyperparameters;
    const { step } = this.#state;
    if (step === this.#savedAtStep) return;
    const byStep = checkpointEvery > 0 && step % checkpointEvery === 0;
    if (byStep || performance.now() - this.#savedAtMs >= this.#options.checkpointEveryMs)
      await this.#save('last');
  }

  /** Between two steps: nothing of the state changes, so that the run goes on bit for bit. */
  async #pause(): Promise<void> {
    if (this.#savedAtStep !== this.#state.step) await this.#save('last');
    const { wishes } = this.#options;
    this.#listener.paused(this.#state, null);
    while (wishes.pause && !wishes.stop) await this.#wait();
    if (!wishes.stop) this.#listener.continued();
  }

  async #wait(): Promise<void> {
    this.#listener.waiting();
    await sleep(this.#options.waitMs ?? WAIT_MS);
  }

  /** A full disk is no reason to lose a run: it waits until there is room. @throws StudioError DISK_FULL when told to stop. */
  async #saveWhenThereIsRoom(kind: 'last' | 'best'): Promise<void> {
    for (let waits = 0; ; waits++) {
      try {
        await this.#task.save(this.#state, kind);
        if (waits > 0) this.#listener.continued();
        return;
      } catch (thrown) {
        if (!isDiskFull(thrown) || this.#options.wishes.stop) throw thrown;
        if (waits === 0) this.#listener.paused(this.#state, thrown);
        await this.#wait();
      }
    }
  }

  async #save(kind: 'last' | 'best'): Promise<void> {
    await this.#takeReadings();
    this.#listener.progress(this.#state, 'saving', this.#pace);
    const beganMs = performance.now();
    await this.#saveWhenThereIsRoom(kind);
    this.#pace.saved((performance.now() - beganMs) / 1000);
    if (kind === 'last') {
      this.#savedAtMs = performance.now();
      this.#savedAtStep = this.#state.step;
    }
  }

  async #finish(): Promise<RunResult> {
    const state = this.#state;
    const { hyperparameters, selectsOnTest } = this.#options;
    if (hyperparameters.keep === 'best' && state.bestAccuracy !== null) await this.#task.restoreBest();
    this.#listener.progress(state, 'evaluating', this.#pace);
    const testAccuracy = await this.#task.evaluateTest(state);
    const chose = hyperparameters.keep === 'best' || hyperparameters.earlyStopping > 0;
    // A run that is stopped inside an epoch is told by what it has seen of it.
    const inside = state.epochPairs > 0;
    return {
      trainLoss: inside ? state.epochLoss / state.epochPairs : state.lastTrainLoss,
      trainAccuracy: inside ? state.epochCorrect / state.epochPairs : state.lastTrainAccuracy,
      testAccuracy,
      devAccuracy: selectsOnTest ? null : state.bestAccuracy,
      pairsPerSecond: state.trainPairs / state.trainSeconds,
      epochs: state.epoch,
      steps: state.step,
      selectedOnTest: chose && selectsOnTest,
      ...furtherResult(state, this.#task.further),
    };
  }
}

function notFinite(step: number): StudioError {
  return new StudioError(
    'LOSS_NOT_FINITE',
    `The loss or its gradient is no longer a finite number at step ${step}.`,
    {
      nextStep:
        'The last good checkpoint is kept. Try a lower learning rate, a warm-up, or gradient clipping.',
    },
  );
}
