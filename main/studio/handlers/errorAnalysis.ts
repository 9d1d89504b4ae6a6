/** @file Runs under Node. Handlers of shared/contract/errorAnalysis.ts. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { errorAnalysisRoutes } from '../../../shared/contract/errorAnalysis.ts';
import type { HostContext } from '../hosting.ts';

export function errorAnalysisHandlers({
  errorAnalysis,
}: HostContext): HandlersOf<typeof errorAnalysisRoutes> {
  return {
    'errors/overview': (place) => errorAnalysis.overview(place),
    'errors/rows': ({ from, count, ...choice }) => errorAnalysis.rows(choice, { from, count }),
    'errors/csv': (choice) => errorAnalysis.csv(choice),
  };
}
