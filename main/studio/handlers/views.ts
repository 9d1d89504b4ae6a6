/** @file Runs under Node. Handlers of shared/contract/views.ts. UNFINISHED: to be written. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { viewRoutes } from '../../../shared/contract/views.ts';
import type { HostContext } from '../hosting.ts';
import { unfinished } from './unfinished.ts';

export function viewsHandlers(_context: HostContext): HandlersOf<typeof viewRoutes> {
  return unfinished();
}
