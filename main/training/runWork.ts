/**
 * @file Runs in the training worker. What differs between kinds of runs: where pairs come from, what a step is, and what is
 * measured. Everything else of a run (loop, checkpoints, reports, probes) is the same for all.
 */
import type { Tensor1D } from '@tensorflow/tfjs-core';
import type { Split } from '../../shared/datasets.ts';
import type { EngineName } from '../../shared/engines.ts';
import type { EvaluationRecord, MetricPoint, PredictionBlock } from '../../shared/runs.ts';
import type { AdamVariableFactory } from '../model/adam.ts';
import type { ParameterShape } from '../model/parameters.ts';
import type { TrainedNetwork } from './checkpoints.ts';
import type { FurtherFigures, SelectionFigures } from './loopParts.ts';
import type { OptimizerState } from './optimizer.ts';
import type { Crew } from './parallel/gradientExchange.ts';

/** A network that is trained. */
export interface TrainableNetwork extends TrainedNetwork {
  /** Puts other weights in place of the current ones, with their moments. */
  restore(parameter: (shape: ParameterShape) => OptimizerState): void;
  dispose(): void;
}

/** Where a network is made, and from what. */
export interface NetworkPlace {
  readonly engine: EngineName;
  readonly factory: AdamVariableFactory;
  readonly begin: (shape: ParameterShape, position: number) => OptimizerState;
  /** Null where one worker trains alone. */
  readonly crew: Crew | null;
}

export interface StepPlace {
  /** From 0. */
  readonly epoch: number;
  readonly stepInEpoch: number;
  /** From 1. */
  readonly step: number;
  readonly lr: number;
}

export interface EvaluatedPlace {
  readonly step: number;
  readonly epoch: number;
}

/** What is found out about a split. */
export interface EvaluatedSplit extends SelectionFigures {
  readonly points: readonly MetricPoint[];
  readonly evaluation: EvaluationRecord;
  readonly predictions: PredictionBlock | null;
}

export interface RunWork {
  readonly network: TrainableNetwork;
  /** Pairs by split; 0 where there are none. */
  readonly pairs: Readonly<Record<Split, number>>;
  /** Training pairs that are longer than maxLen: cut, or left out. */
  readonly truncatedPairs: number;
  readonly further: FurtherFigures | null;
  /** Tokens of the largest micro-batch of the newest step; 0 before the first. */
  readonly largestMicroBatch: number;
  /** `between` runs between micro-batches. The caller disposes the reading: see `LoopTask.trainStep`. */
  trainStep(place: StepPlace, between: () => Promise<void>): Promise<Tensor1D>;
  /** `between` may throw to leave early. */
  evaluate(
    split: Split,
    place: EvaluatedPlace,
    options: { readonly keepPredictions: boolean; readonly between: () => Promise<void> },
  ): Promise<EvaluatedSplit>;
  /** Forward passes over at most so many pairs, for a probe. -> how many there were, and the seconds that they took */
  evaluateSome(pairs: number, between: () => Promise<void>): Promise<{ pairs: number; seconds: number }>;
}

/** Makes the work of a run once its engine is open. */
export type WorkMaker = (place: NetworkPlace) => RunWork;
