/** @file Runs under Node. Handlers of shared/contract/errorAnalysis.ts. UNFINISHED: to be written. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { errorAnalysisRoutes } from '../../../shared/contract/errorAnalysis.ts';
import type { HostContext } from '../hosting.ts';
import { unfinished } from './unfinished.ts';

export function errorAnalysisHandlers(_context: HostContext): HandlersOf<typeof errorAnalysisRoutes> {
  return unfinished();
}
