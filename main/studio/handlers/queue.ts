/** @file Runs under Node. Handlers of shared/contract/queue.ts. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { queueRoutes } from '../../../shared/contract/queue.ts';
import { estimateRun } from '../estimate.ts';
import type { HostContext } from '../hosting.ts';
import { startProbe } from '../probe.ts';

export function queueHandlers(context: HostContext): HandlersOf<typeof queueRoutes> {
  const { queue } = context;
  return {
    'queue/show': () => queue.show(),
    'queue/add': async ({ requests, place }) => ({ ids: await queue.add(requests, place) }),
    'queue/move': ({ run, to }) => queue.move(run, to),
    'queue/remove': ({ run }) => queue.remove(run),
    'queue/besidePrograms': ({ run }) => queue.besidePrograms(run),
    'queue/pause': ({ paused }) => queue.pauseQueue(paused),
    'queue/continueAfterError': ({ value }) => queue.setContinueAfterError(value),
    'estimate/show': ({ request }) => estimateRun(context, request),
    'estimate/probe': async ({ request }) => ({ job: await startProbe(context, request) }),
  };
}
