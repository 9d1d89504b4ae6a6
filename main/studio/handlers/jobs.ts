/** @file Runs under Node. Handlers of shared/contract/jobs.ts. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { jobRoutes } from '../../../shared/contract/jobs.ts';
import type { HostContext } from '../hosting.ts';

export function jobsHandlers({ jobs }: HostContext): HandlersOf<typeof jobRoutes> {
  return {
    'jobs/list': () => jobs.list(),
    'jobs/cancel': ({ id }) => {
      jobs.cancel(id);
      return null;
    },
  };
}
