/** @file Runs under Node. Handlers of shared/contract/compare.ts. */
import type { compareRoutes } from '../../../shared/contract/compare.ts';
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { HostContext } from '../hosting.ts';
import { pairedDifferences } from '../significance.ts';

export function compareHandlers(context: HostContext): HandlersOf<typeof compareRoutes> {
  return {
    'compare/runs': ({ runs }) => context.runs.compare(runs),
    'compare/significance': ({ baseline, runs, split }) =>
      pairedDifferences(context.errorAnalysis, { baseline, runs, split }),
  };
}
