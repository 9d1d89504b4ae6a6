/** @file Runs in tests. Reads golden fixtures (README.md), those of engines included, and compares tensors with them. */
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { resourcePath } from '../../main/files/resources.ts';
import { relativeDistance, type Tolerance, toleranceIn } from '../../main/golden/comparison.ts';
import type { EngineFixtures, GoldenBatch, GoldenTensor, NamedTensors } from '../../main/golden/fixtures.ts';

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

interface Fixtures extends EngineFixtures {
  readonly 'philox.json': PhiloxFixture;
  readonly 'truncation.json': TruncationFixture;
  readonly 'schedule.json': ScheduleFixture;
  readonly 'wordpiece.json': WordPieceFixture;
  readonly 'torch_files.json': { readonly tensors: NamedTensors };
  readonly 'hugging_face.json': HuggingFaceFixture;
  readonly 'minilm.json': MinilmFixture;
}

/** The files are ours and their layout is README.md's: no schema checks them again. */
export function readFixture<Name extends keyof Fixtures>(name: Name): Fixtures[Name] {
  const beside = new URL(name, import.meta.url);
  const path = existsSync(beside) ? beside : resourcePath('golden', name);
  return JSON.parse(readFileSync(path, 'utf8')) as Fixtures[Name];
}

/** Fails unless `actual` has the expected size and stays within what single precision is allowed; `name` is for the message. */
export function expectNear(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  allowed: Tolerance,
): void {
  const tolerance = toleranceIn('fp32', allowed);
  expect(actual.length, `number of values of ${name}`).toBe(expected.length);
  const distance = relativeDistance(actual, expected);
  expect(distance, `${name} is ${distance.toExponential(1)} away`).toBeLessThanOrEqual(tolerance);
}
