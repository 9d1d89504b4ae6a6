/** @file Runs under Node. Handlers of shared/contract/app.ts. UNFINISHED: to be written. */

import type { appRoutes } from '../../../shared/contract/app.ts';
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { HostContext } from '../hosting.ts';
import { unfinished } from './unfinished.ts';

export function appHandlers(_context: HostContext): HandlersOf<typeof appRoutes> {
  return unfinished();
}
