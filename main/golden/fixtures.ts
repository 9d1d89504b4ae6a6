/** @file Runs under Node. The golden fixtures of engines, made by PyTorch (test/golden/README.md): what they hold. */
import { readFileSync } from 'node:fs';
import type { ModelConfig } from '../../shared/runs.ts';
import { resourcePath } from '../files/resources.ts';

/** `values` flat in row-major order. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

export type NamedTensors = Readonly<Record<string, GoldenTensor>>;

/** Pairs in the order of the optimizer batch; ids and segments of all pairs one after another. */
export interface GoldenBatch {
  readonly ids: readonly number[];
  readonly segments: readonly number[];
  readonly lengths: readonly number[];
  readonly labels: readonly number[];
}

export interface WeightedLoss {
  readonly labelSmoothing: number;
  readonly classWeights: readonly number[];
  readonly pairLosses: readonly number[];
  readonly sumLoss: number;
  readonly meanLoss: number;
  /** The sum of the weights of the pairs' labels. */
  readonly meanDivisor: number;
  readonly logitsGradient: GoldenTensor;
}

/** R rows of all pairs, H hidden, P pairs, C classes. */
export interface ModelFixture {
  readonly config: ModelConfig;
  readonly dropout?: { readonly seed: number; readonly step: number };
  readonly batch: GoldenBatch;
  readonly parameters: NamedTensors;
  readonly expected: {
    /** [R, H] */
    readonly embeddings: GoldenTensor;
    /** After each layer, [R, H] */
    readonly layers: readonly GoldenTensor[];
    /** [P, C] */
    readonly logits: GoldenTensor;
    readonly pairLosses: readonly number[];
    readonly sumLoss: number;
    readonly meanLoss: number;
    readonly logitsGradient: GoldenTensor;
    readonly weighted?: WeightedLoss;
    /** Of the summed loss, by parameter. */
    readonly gradients: NamedTensors;
  };
}

export interface PretrainingFixture {
  readonly config: ModelConfig;
  readonly dropout?: { readonly seed: number; readonly step: number };
  readonly batch: GoldenBatch & {
    /** Places in each pair that are masked, and the words that stood there, pair by pair. */
    readonly maskedPlaces: readonly (readonly number[])[];
    readonly maskedIds: readonly number[];
  };
  readonly parameters: NamedTensors;
  readonly expected: {
    readonly maskedLosses: readonly number[];
    readonly maskedCorrect: number;
    readonly nextLosses: readonly number[];
    /** [P, 2] */
    readonly nextLogits: GoldenTensor;
    /** Of the mean of the masked losses plus the mean of the next-sentence losses, by parameter. */
    readonly gradients: NamedTensors;
  };
}

/** Rows of a table with a gradient; ids may repeat, their rows are then added up. */
export interface GoldenRows {
  readonly ids: readonly number[];
  readonly rows: GoldenTensor;
}

export interface AdamState {
  readonly parameters: NamedTensors;
  readonly m: NamedTensors;
  readonly v: NamedTensors;
}

export interface AdamCase {
  readonly name: string;
  readonly optimizer: 'adam' | 'adamw';
  /** Falls on every parameter of the case. */
  readonly weightDecay: number;
  readonly learningRates: readonly number[];
  readonly parameters: NamedTensors;
  readonly gradients: readonly Readonly<Record<string, GoldenTensor | GoldenRows>>[];
  readonly expected: { readonly fp32: readonly AdamState[]; readonly fp64: readonly AdamState[] };
}

export interface AdamFixture {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly cases: readonly AdamCase[];
}

export interface StepsVariant {
  readonly name: string;
  readonly loss: 'sum' | 'mean';
  readonly optimizer: 'adam' | 'adamw';
  readonly lr: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
  readonly schedule: 'constant' | 'linear';
  readonly warmup: number;
  readonly batchOrder: readonly number[];
  readonly steps: readonly {
    readonly batch: number;
    readonly learningRate: number;
    readonly sumLoss: number;
    readonly meanLoss: number;
    readonly meanGradientNorm: number;
    readonly clipFactor: number;
    readonly sumLossAfter: number;
  }[];
  readonly finalParameters: NamedTensors;
}

export interface StepsFixture {
  readonly config: ModelConfig;
  readonly batches: readonly GoldenBatch[];
  readonly parameters: NamedTensors;
  readonly variants: readonly StepsVariant[];
}

/** A network and batches that both sides draw (drawnTraining.ts), and what PyTorch made of them. */
export interface DrawnTrainingCase {
  readonly name: 'small' | 'book';
  readonly seed: number;
  readonly steps: number;
  readonly batchSize: number;
  /** Constant; the optimizer is Adam, the loss the mean, without dropout. */
  readonly learningRate: number;
  readonly config: ModelConfig;
  /** Of all batches. */
  readonly tokens: number;
  /** Of each step's batch, before the step. */
  readonly meanLosses: readonly number[];
  /** Of the first batch, after all steps. */
  readonly lossAfter: number;
}

export interface TrainingFixture {
  readonly cases: readonly DrawnTrainingCase[];
}

export const PLAIN_NETWORKS = [
  'model_book.json',
  'model_book_deep.json',
  'model_single_layer.json',
  'model_hf_variant.json',
  'model_odd_sizes.json',
  'model_distilbert.json',
] as const;
/** With masks that are defined by place. */
export const NETWORKS_WITH_DROPOUT = [
  'model_dropout.json',
  'model_hf_dropout.json',
  'model_odd_dropout.json',
  'model_distilbert_dropout.json',
] as const;
export const PLAIN_PRETRAINING = ['pretraining_book.json', 'pretraining_odd.json'] as const;
export const PRETRAINING_WITH_DROPOUT = ['pretraining_dropout.json'] as const;

type Named<Name extends string, Fixture> = { readonly [name in Name]: Fixture };

export type EngineFixtures = Named<
  (typeof PLAIN_NETWORKS | typeof NETWORKS_WITH_DROPOUT)[number],
  ModelFixture
> &
  Named<(typeof PLAIN_PRETRAINING | typeof PRETRAINING_WITH_DROPOUT)[number], PretrainingFixture> &
  Named<'adam.json', AdamFixture> &
  Named<'steps.json', StepsFixture> &
  Named<'training.json', TrainingFixture>;

/** The files come with the program, and their layout is that of the README: no schema checks them again. */
export function readGolden<Name extends keyof EngineFixtures>(name: Name): EngineFixtures[Name] {
  return JSON.parse(readFileSync(resourcePath('golden', name), 'utf8')) as EngineFixtures[Name];
}
