/** @file Runs anywhere. What a model card says of a model, gathered where runs are known and written where files are. */
import type { Split } from '../../../shared/datasets.ts';
import type { ModelConfig } from '../../../shared/runs.ts';

/** One split as it was evaluated with these weights, or the newest evaluation that there is. */
export interface CardEvaluation {
  readonly split: Split;
  readonly step: number;
  readonly pairs: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly macroF1: number;
  /** counts[gold][predicted] */
  readonly confusion: readonly (readonly number[])[];
  readonly perClass: readonly {
    readonly label: string;
    readonly precision: number;
    readonly recall: number;
    readonly f1: number;
    readonly support: number;
  }[];
}

/** A kind of pairs, and how many of them the model gets wrong. */
export interface CardSlice {
  readonly name: string;
  readonly pairs: number;
  readonly wrong: number;
}

/** Null is what nobody said. */
export interface Licences {
  readonly data: string | null;
  readonly base: string | null;
}

export interface CardFacts {
  readonly name: string;
  readonly run: string;
  readonly createdAt: string;
  readonly labels: readonly string[];
  readonly sentencesPerExample: 1 | 2;
  readonly maxLen: number;
  readonly network: ModelConfig;
  readonly parameters: number | null;
  readonly data: {
    readonly name: string;
    readonly contentHash: string;
    readonly source: string | null;
    readonly rows: Readonly<Record<Split, number>> | null;
  };
  readonly vocabularyHash: string;
  /** What its weights began with; null is random ones. */
  readonly base: string | null;
  readonly checkpoint: { readonly kind: 'last' | 'best'; readonly step: number; readonly epoch: number };
  /** True: test labels chose the weights. */
  readonly selectedOnTest: boolean;
  /** "lr", "0.0001". */
  readonly hyperparameters: readonly (readonly [name: string, value: string])[];
  readonly engine: string | null;
  readonly evaluations: readonly CardEvaluation[];
  /** Of the stored predictions; null where there are none. */
  readonly weaknesses: {
    readonly split: Split;
    readonly step: number;
    readonly slices: readonly CardSlice[];
  } | null;
  readonly licences: Licences;
}
