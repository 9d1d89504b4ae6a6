/** @file Runs anywhere. Contract: runs side by side, and whether their difference means anything. */
import { z } from 'zod';
import type { RunComparison } from '../comparison.ts';
import { runId, split } from './inputs.ts';
import { answers } from './route.ts';

export const MOST_COMPARED = 50;

/** A run against the baseline, on the very same rows. */
export type PairedDifference =
  | {
      readonly run: string;
      readonly comparable: true;
      readonly pairs: number;
      /** Accuracy of the run minus that of the baseline. */
      readonly difference: number;
      /** 95 % interval of the difference: percentiles of a paired bootstrap (10,000 resamples, fixed seed). */
      readonly low: number;
      readonly high: number;
      /** McNemar's exact test, two-sided. */
      readonly pValue: number;
      /** Right only in the run; right only in the baseline. */
      readonly onlyRun: number;
      readonly onlyBaseline: number;
    }
  | { readonly run: string; readonly comparable: false; readonly reason: string };

export const compareRoutes = {
  'compare/runs': answers<RunComparison>()(
    z.strictObject({ runs: z.array(runId).min(1).max(MOST_COMPARED) }),
  ),
  'compare/significance': answers<readonly PairedDifference[]>()(
    z.strictObject({ baseline: runId, runs: z.array(runId).min(1).max(MOST_COMPARED), split }),
  ),
};
