/** @file Runs under Node. Handlers of shared/contract/models.ts. UNFINISHED: to be written. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { modelRoutes } from '../../../shared/contract/models.ts';
import type { HostContext } from '../hosting.ts';
import { unfinished } from './unfinished.ts';

export function modelsHandlers(_context: HostContext): HandlersOf<typeof modelRoutes> {
  return unfinished();
}
