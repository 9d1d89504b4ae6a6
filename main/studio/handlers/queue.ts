/** @file Runs under Node. Handlers of shared/contract/queue.ts. UNFINISHED: to be written. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { queueRoutes } from '../../../shared/contract/queue.ts';
import type { HostContext } from '../hosting.ts';
import { unfinished } from './unfinished.ts';

export function queueHandlers(_context: HostContext): HandlersOf<typeof queueRoutes> {
  return unfinished();
}
