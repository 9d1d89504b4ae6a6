/** @file Runs under Node. Handlers of shared/contract/datasets.ts. UNFINISHED: to be written. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { datasetRoutes } from '../../../shared/contract/datasets.ts';
import type { HostContext } from '../hosting.ts';
import { unfinished } from './unfinished.ts';

export function datasetsHandlers(_context: HostContext): HandlersOf<typeof datasetRoutes> {
  return unfinished();
}
