/** @file Runs under Node. Handlers of shared/contract/runs.ts. UNFINISHED: to be written. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { runRoutes } from '../../../shared/contract/runs.ts';
import type { HostContext } from '../hosting.ts';
import { unfinished } from './unfinished.ts';

export function runsHandlers(_context: HostContext): HandlersOf<typeof runRoutes> {
  return unfinished();
}
