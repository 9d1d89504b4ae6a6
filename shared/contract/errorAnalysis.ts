/** @file Runs anywhere. Contract: what a run gets wrong, example by example, from its stored predictions. */
import { z } from 'zod';
import { page, runId, split } from './inputs.ts';
import { answers } from './route.ts';

/** Against another run on the same rows. */
export const CHANGES = ['fixed', 'broken', 'bothWrong', 'bothRight'] as const;
export type Change = (typeof CHANGES)[number];

export const errorFilterSchema = z.strictObject({
  /** Cells of the matrix; empty is every cell. */
  cells: z
    .array(z.strictObject({ gold: z.number().int().min(0), predicted: z.number().int().min(0) }))
    .max(10_000)
    .default([]),
  /** Not looked at when `change` is given, which says it already. */
  correctness: z.enum(['wrong', 'right', 'all']).default('wrong'),
  /** Words of both sentences together, punctuation not counted. Both ends belong to the range, here and below. */
  lengthFrom: z.number().int().min(0).nullable().default(null),
  lengthTo: z.number().int().min(0).nullable().default(null),
  /**
   * A word of negation in the hypothesis (or the only sentence): not, no, n't, cannot, never, nobody, nothing, none,
   * nowhere, without, neither, nor.
   */
  negation: z.boolean().nullable().default(null),
  /** Share of the hypothesis' words that stand in the premise, 0 to 1. Pairs without one are in no range. */
  overlapFrom: z.number().min(0).max(1).nullable().default(null),
  overlapTo: z.number().min(0).max(1).nullable().default(null),
  /** Stands in either sentence, whatever the case. */
  text: z.string().max(500).default(''),
  /** Needs `against`. Fixed: wrong there, right here. */
  change: z.enum(CHANGES).nullable().default(null),
});
export type ErrorFilter = z.infer<typeof errorFilterSchema>;

export const ERROR_SORTS = ['mostConfident', 'leastConfident', 'index', 'longest', 'shortest'] as const;
/** By the probability of the predicted class, by place, or by words; ties by place. */
export type ErrorSort = (typeof ERROR_SORTS)[number];

export interface AnalysedExample {
  /** Position in its split. */
  readonly index: number;
  readonly premise: string;
  readonly hypothesis: string | null;
  readonly gold: number;
  readonly predicted: number;
  readonly probabilities: readonly number[];
  readonly length: number;
  readonly negation: boolean;
  readonly overlap: number | null;
  /** What the other run predicted, when there is one. */
  readonly other: { readonly predicted: number; readonly probabilities: readonly number[] } | null;
}

export interface ErrorSlice {
  readonly key: string;
  /** "negation in the hypothesis" */
  readonly name: string;
  /** Shows the slice's mistakes. */
  readonly filter: ErrorFilter;
  /** Of the whole split, whatever is filtered. */
  readonly pairs: number;
  readonly wrong: number;
}

export interface ErrorOverview {
  readonly run: string;
  readonly dataset: string;
  readonly split: 'train' | 'dev' | 'test';
  readonly step: number;
  readonly labels: readonly string[];
  readonly pairs: number;
  /** counts[gold][predicted] */
  readonly confusion: readonly (readonly number[])[];
  /** The other run's, when there is one. */
  readonly otherConfusion: readonly (readonly number[])[] | null;
  readonly slices: readonly ErrorSlice[];
  readonly changes: Readonly<Record<Change, number>> | null;
}

const place = {
  run: runId,
  split,
  /** Another run evaluated on the same rows. */
  against: runId.nullable().default(null),
};
const choice = {
  ...place,
  filter: errorFilterSchema,
  sort: z.enum(ERROR_SORTS).default('mostConfident'),
};

export const errorAnalysisRoutes = {
  /**
   * @throws NOT_FOUND without predictions or data set; CHECKSUM_MISMATCH when the data set was imported anew with other
   * content; USAGE when `against` was evaluated on other rows.
   */
  'errors/overview': answers<ErrorOverview>()(z.strictObject(place)),
  'errors/rows': answers<{ readonly total: number; readonly rows: readonly AnalysedExample[] }>()(
    z.strictObject({ ...choice, ...page }),
  ),
  /** All rows of the choice, safe to open in a spreadsheet. @throws TOO_LARGE above a quarter of a million. */
  'errors/csv': answers<{ readonly text: string; readonly rows: number }>()(z.strictObject(choice)),
};
