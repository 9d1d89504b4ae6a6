/** @file Runs under Node. Handlers of shared/contract/jobs.ts. UNFINISHED: to be written. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { jobRoutes } from '../../../shared/contract/jobs.ts';
import type { HostContext } from '../hosting.ts';
import { unfinished } from './unfinished.ts';

export function jobsHandlers(_context: HostContext): HandlersOf<typeof jobRoutes> {
  return unfinished();
}
