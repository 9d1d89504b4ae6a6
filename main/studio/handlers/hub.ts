/** @file Runs under Node. Handlers of shared/contract/hub.ts. */
import type { HandlersOf } from '../../../shared/contract/contract.ts';
import type { hubRoutes } from '../../../shared/contract/hub.ts';
import type { HostContext } from '../hosting.ts';
import { startModelDownload } from '../modelDownloads.ts';

export function hubHandlers(context: HostContext): HandlersOf<typeof hubRoutes> {
  return {
    // Loaded here, because the HTTP client and the hub's library take longer to load than most studios to open.
    'hub/dataset': async ({ reference }) => (await import('../hubLooks.ts')).lookAtHubDataset(reference),
    'hub/model': async ({ reference }) => (await import('../hubLooks.ts')).lookAtHubModel(reference),
    'hub/downloadModel': (wish) => ({ job: startModelDownload(context, wish) }),
  };
}
