/** @file Runs under Node. Whether runs differ from a baseline by more than chance, on the very same rows. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PairedDifference } from '../../shared/contract/compare.ts';
import type { Split } from '../../shared/datasets.ts';
import { errorData } from '../../shared/errors.ts';
import type { RunRecord } from '../../shared/runs.ts';
import { bootstrapInterval, mcnemar, pairedOutcomes } from '../analysis/pairedTests.ts';
import { type ErrorAnalysisService, whyNotSameRows } from './errorAnalysis.ts';

interface Baseline {
  readonly run: RunRecord;
  readonly split: Split;
  /** A 1 for each pair it got right. */
  readonly right: Uint8Array;
}

/** One answer a run, in their order. @throws StudioError NOT_FOUND or CHECKSUM_MISMATCH for the baseline. */
export async function pairedDifferences(
  analysis: ErrorAnalysisService,
  { baseline, runs, split }: { baseline: string; runs: readonly string[]; split: Split },
): Promise<PairedDifference[]> {
  const run = analysis.findRun(baseline);
  const right = await analysis.correctness(run, split);
  const differences: PairedDifference[] = [];
  for (const id of runs) {
    differences.push(await differenceFrom({ run, split, right }, id, analysis));
    // A bootstrap takes some hundredths of a second; others have their turn in between.
    await nextTurn();
  }
  return differences;
}

async function differenceFrom(
  baseline: Baseline,
  id: string,
  analysis: ErrorAnalysisService,
): Promise<PairedDifference> {
  try {
    const run = analysis.findRun(id);
    const reason = whyNotSameRows(baseline.run, run);
    if (reason !== null) return { run: id, comparable: false, reason };
    const outcomes = pairedOutcomes(await analysis.correctness(run, baseline.split), baseline.right);
    const { onlyRun, onlyBaseline } = outcomes;
    return {
      run: id,
      comparable: true,
      pairs: baseline.right.length,
      ...bootstrapInterval(outcomes),
      pValue: mcnemar(outcomes),
      onlyRun,
      onlyBaseline,
    };
  } catch (thrown) {
    // One run that was deleted or has no predictions leaves the others comparable.
    const { code, message } = errorData(thrown);
    if (code !== 'NOT_FOUND' && code !== 'CHECKSUM_MISMATCH') throw thrown;
    return { run: id, comparable: false, reason: message };
  }
}
