/** @file Runs anywhere. Contract: what a model is worth on any data set that it can be compared with. */
import { z } from 'zod';
import type { GroupedAccuracy } from '../kindAccuracy.ts';
import type { EvaluationRecord } from '../runs.ts';
import { datasetName, modelReference, split } from './inputs.ts';
import { answers } from './route.ts';

/** A model on a data set; kept as long as its job. */
export interface OtherEvaluation {
  /** Of the data set: what gold labels and answers are counted as. */
  readonly labels: readonly string[];
  readonly evaluation: EvaluationRecord;
  /** By the kinds of examples that the data set tells apart: HANS's heuristics, MultiNLI's genres. */
  readonly groups: readonly GroupedAccuracy[];
}

export const evaluationRoutes = {
  /**
   * A job. `split`: null is test, or dev where there is no test split. On a data set of entailment and non-entailment every
   * answer but entailment counts as non-entailment. One thread while a run trains. The job fails with USAGE when labels
   * cannot be compared.
   */
  'evaluations/start': answers<{ readonly job: string }>()(
    z.strictObject({ model: modelReference, dataset: datasetName, split: split.nullable().default(null) }),
  ),
};
