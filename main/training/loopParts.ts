/** @file Runs in the training worker. What the loop is connected to: a task, a listener, a person's wishes; and how it ends. */
import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { StudioError } from '../../shared/errors.ts';
import type { Hyperparameters } from '../../shared/hyperparameters.ts';
import type { MetricPoint, RunResult } from '../../shared/runs.ts';
import type { LoopState } from './loopState.ts';
import type { Pace } from './pace.ts';

/** How good the weights are on the split that choices look at. */
export interface SelectionFigures {
  readonly accuracy: number;
  /** What is better is greater. */
  readonly score: number;
}

/** What a kind of training measures beside loss and accuracy. */
export interface FurtherFigures {
  /** Values that a step's reading has behind the first three, each a sum. */
  readonly sums: number;
  /** Metrics of the sums of one step or of many. */
  metricsOf(sums: readonly number[]): readonly (readonly [FurtherMetric, number])[];
}

/** Under "step/", "epoch/", "dev/" and "test/". */
export type FurtherMetric = 'maskedLoss' | 'maskedAccuracy' | 'nextLoss';

/** What is trained. */
export interface LoopTask {
  readonly trainPairs: number;
  /** Pairs in the split that choices look at (dev, else test); 0 when there is none. */
  readonly selectionPairs: number;
  /** Pairs in the test split, evaluated at the end. */
  readonly testPairs: number;
  /** Training pairs that were longer than maxLen. */
  readonly truncatedPairs: number;
  readonly further: FurtherFigures | null;
  /**
   * Trains on one batch. `position`: epoch from 0 and step inside it; `step` counts from 1.
   * -> [loss sum, correct, norm, …further sums]
   */
  trainStep(position: { epoch: number; stepInEpoch: number; step: number; lr: number }): Promise<Tensor1D>;
  /** Evaluates the selection split and reports it. */
  evaluateSelection(state: LoopState): Promise<SelectionFigures>;
  /** Evaluates the test split with the weights that the run ends with; keeps predictions. Null without a test split. */
  evaluateTest(state: LoopState): Promise<number | null>;
  /** Writes a checkpoint. */
  save(state: LoopState, kind: 'last' | 'best'): Promise<void>;
  /** Puts the best checkpoint's weights back. */
  restoreBest(): Promise<void>;
}

export interface LoopListener {
  metrics(points: readonly MetricPoint[]): void;
  /** Saved (null), or kept from saving by a full disk, and waiting. */
  paused(state: LoopState, waitsFor: StudioError | null): void;
  continued(): void;
  /** Called about once a second while the loop waits. */
  waiting(): void;
  progress(state: LoopState, phase: 'training' | 'evaluating' | 'saving', pace: Pace): void;
}

/** What a person wishes of the run; may change at any time. */
export interface RunWishes {
  /** To stop at the end of the step, with a checkpoint. */
  readonly stop: boolean;
  /** To evaluate the test split before that, and to keep the figures. */
  readonly keep: boolean;
  /** To save at the end of the step and to wait. */
  readonly pause: boolean;
}

export interface LoopOptions {
  readonly hyperparameters: Hyperparameters;
  readonly stepsPerEpoch: number;
  readonly selectsOnTest: boolean;
  readonly wishes: RunWishes;
  /** Between two looks at a wish or at a full disk; shorter ones are for tests. */
  readonly waitMs?: number;
  /** A checkpoint is written at least so often, whatever the hyperparameters say. */
  readonly checkpointEveryMs: number;
}

/** Thrown through evaluation when a stop is asked for: what was begun is left, the state stays as it was. */
export class StopSignal extends Error {}

export type LoopOutcome =
  | { readonly kind: 'finished'; readonly result: RunResult }
  /** With a result when it was to be kept. */
  | { readonly kind: 'stopped'; readonly result: RunResult | null };
