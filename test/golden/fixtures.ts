/** @file Runs in tests. Reads the golden fixtures of this folder (README.md) and compares tensors with them. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { ModelConfig } from '../../shared/runs.ts';

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

export interface PhiloxFixture {
  readonly vectors: readonly {
    readonly counter: readonly [number, number, number, number];
    readonly key: readonly [number, number];
    readonly words: readonly number[];
  }[];
  readonly masks: readonly {
    readonly probability: number;
    readonly seed: number;
    readonly place: number;
    readonly pair: number;
    readonly step: number;
    /** Element by element: 1 is kept. */
    readonly keep: string;
  }[];
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

export interface TruncationFixture {
  readonly cases: readonly {
    readonly premise: number;
    readonly hypothesis: number;
    readonly maxLen: number;
    readonly longerFirst: readonly [number, number];
    readonly lengthRatio: readonly [number, number];
  }[];
}

export interface ScheduleFixture {
  readonly cases: readonly {
    readonly schedule: 'constant' | 'linear' | 'cosine';
    readonly warmup: number;
    readonly totalSteps: number;
    readonly steps: readonly number[];
    readonly multipliers: readonly number[];
  }[];
}

/** Normalised text, words and ids of a text: one entry for each of the fixture's settings. */
export interface WordPieceString {
  readonly text: string;
  readonly normalised: readonly string[];
  readonly words: readonly (readonly string[])[];
  readonly ids: readonly (readonly number[])[];
}

/** A hash for each block of texts of ../shared/data: the first 16 hexadecimal digits of SHA-256. */
export interface WordPieceCorpus {
  readonly name: string;
  readonly files: readonly string[];
  readonly texts: number;
  readonly uncased: readonly string[];
  readonly cased: readonly string[];
  readonly pairs: readonly { readonly maxLen: number; readonly hashes: readonly string[] }[];
}

export interface WordPieceFixture {
  readonly vocabulary: readonly string[];
  readonly settings: readonly { readonly lowercase: boolean; readonly stripAccents: boolean }[];
  readonly strings: readonly WordPieceString[];
  /** All code points, `block` of them a hash; hashes[setting][block] here and below. */
  readonly codePoints: { readonly block: number; readonly hashes: readonly (readonly string[])[] };
  readonly fuzz: {
    readonly strings: number;
    readonly texts: readonly string[];
    /** Code points in hexadecimal, separated by blanks. */
    readonly pool: string;
    readonly hashes: readonly (readonly string[])[];
  };
  readonly pairs: readonly {
    readonly premise: string;
    readonly hypothesis: string | null;
    readonly maxLen: number;
    readonly ids: readonly number[];
    readonly segmentStart: number;
  }[];
  /** Tokens of premise and hypothesis, the budget for both, and what is kept of each. */
  readonly truncation: readonly (readonly [number, number, number, number, number])[];
  readonly corpora: readonly WordPieceCorpus[];
}

/** Of folders that stand beside the file, by their names. */
export interface HuggingFaceFixture {
  /** Of a vocab.txt for the folders. */
  readonly vocabulary: readonly string[];
  /** Premise and hypothesis. */
  readonly texts: readonly (readonly [string, string])[];
  readonly batch: GoldenBatch;
  readonly models: Readonly<
    Record<
      'hf_bert_classifier' | 'hf_bert_pretraining' | 'hf_distilbert_classifier',
      {
        /** After each layer, [R, H] */
        readonly layers: readonly GoldenTensor[];
        /** [P, C], in the order of the file */
        readonly logits?: GoldenTensor;
        /** Of `texts`, [3, C], in the order of the file */
        readonly probabilities?: GoldenTensor;
      }
    >
  >;
}

/** Real weights on pairs of SNLI's dev split: its rows 0, stride, 2·stride, … */
export interface MinilmFixture {
  readonly stride: number;
  /** Columns that are kept of a row of hidden states. */
  readonly coordinates: readonly number[];
  /** Of the head, whose weights are 0.05 sin(1 + place). */
  readonly bias: readonly number[];
  readonly lengths: readonly number[];
  /** Over each pair's length and ids, as int32. */
  readonly idsSha256: string;
  /** After each layer, [P, 2 · coordinates]: of the first token, and of the last. */
  readonly layers: readonly GoldenTensor[];
  /** [P, 3] */
  readonly logits: GoldenTensor;
}

interface Fixtures {
  readonly 'model_book.json': ModelFixture;
  readonly 'model_book_deep.json': ModelFixture;
  readonly 'model_single_layer.json': ModelFixture;
  readonly 'model_hf_variant.json': ModelFixture;
  readonly 'model_dropout.json': ModelFixture;
  readonly 'model_hf_dropout.json': ModelFixture;
  readonly 'model_odd_sizes.json': ModelFixture;
  readonly 'model_odd_dropout.json': ModelFixture;
  readonly 'model_distilbert.json': ModelFixture;
  readonly 'model_distilbert_dropout.json': ModelFixture;
  readonly 'philox.json': PhiloxFixture;
  readonly 'adam.json': AdamFixture;
  readonly 'steps.json': StepsFixture;
  readonly 'truncation.json': TruncationFixture;
  readonly 'schedule.json': ScheduleFixture;
  readonly 'wordpiece.json': WordPieceFixture;
  readonly 'torch_files.json': { readonly tensors: NamedTensors };
  readonly 'hugging_face.json': HuggingFaceFixture;
  readonly 'minilm.json': MinilmFixture;
}

/** The files are ours and their layout is README.md's: no schema checks them again. */
export function readFixture<Name extends keyof Fixtures>(name: Name): Fixtures[Name] {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as Fixtures[Name];
}

/** How far two tensors are apart, relative to the largest absolute value that is expected (architecture.md). */
export function relativeDistance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let largest = 0;
  let distance = 0;
  for (let index = 0; index < expected.length; index++) {
    // Math.max hands NaN on, so one NaN makes the whole distance NaN
    distance = Math.max(distance, Math.abs(actual[index]! - expected[index]!));
    largest = Math.max(largest, Math.abs(expected[index]!));
  }
  return largest === 0 ? distance : distance / largest;
}

/** Fails unless `actual` has the expected size and stays within `tolerance` of it; `name` is for the message. */
export function expectNear(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): void {
  expect(actual.length, `number of values of ${name}`).toBe(expected.length);
  const distance = relativeDistance(actual, expected);
  expect(distance, `${name} is ${distance.toExponential(1)} away`).toBeLessThanOrEqual(tolerance);
}
