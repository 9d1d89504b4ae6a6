/** @file Runs under Node. Handlers of shared/contract/series.ts. UNFINISHED: to be written. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { seriesRoutes } from '../../../shared/contract/series.ts';
import type { HostContext } from '../hosting.ts';
import { unfinished } from './unfinished.ts';

export function seriesHandlers(_context: HostContext): HandlersOf<typeof seriesRoutes> {
  return unfinished();
}
