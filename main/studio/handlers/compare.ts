/** @file Runs under Node. Handlers of shared/contract/compare.ts. UNFINISHED: to be written. */

import type { compareRoutes } from '../../../shared/contract/compare.ts';
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { HostContext } from '../hosting.ts';
import { unfinished } from './unfinished.ts';

export function compareHandlers(_context: HostContext): HandlersOf<typeof compareRoutes> {
  return unfinished();
}
