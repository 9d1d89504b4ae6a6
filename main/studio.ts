/** @file Runs under Node. The composition root: wires databases, engines and services of one data directory together. */

import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Handlers } from '../shared/contract/contract.ts';
import type { Entries } from './entries.ts';
import { writeError } from './files/fileErrors.ts';
import { dispatcherOver } from './rpc/dispatch.ts';
import { createEventHub } from './rpc/eventHub.ts';
import { Databases } from './studio/databases.ts';
import { dataPlaces } from './studio/dataDirectory.ts';
import { DatasetService } from './studio/datasets.ts';
import { EngineService } from './studio/engines.ts';
import { describeEnvironment } from './studio/environment.ts';
import { ErrorAnalysisService } from './studio/errorAnalysis.ts';
import { appHandlers } from './studio/handlers/app.ts';
import { compareHandlers } from './studio/handlers/compare.ts';
import { datasetsHandlers } from './studio/handlers/datasets.ts';
import { errorAnalysisHandlers } from './studio/handlers/errorAnalysis.ts';
import { jobsHandlers } from './studio/handlers/jobs.ts';
import { modelsHandlers } from './studio/handlers/models.ts';
import { queueHandlers } from './studio/handlers/queue.ts';
import { runsHandlers } from './studio/handlers/runs.ts';
import { seriesHandlers } from './studio/handlers/series.ts';
import { viewsHandlers } from './studio/handlers/views.ts';
import type { HostContext, HostedStudio, HostPlatform } from './studio/hosting.ts';
import { InferenceService } from './studio/inference.ts';
import { PlaygroundService } from './studio/playground.ts';
import { RunService } from './studio/runs.ts';
import { TrainingService } from './studio/training.ts';

export interface Studio {
  readonly dataDirectory: string;
  readonly datasets: DatasetService;
  readonly engines: EngineService;
  readonly runs: RunService;
  readonly training: TrainingService;
  readonly inference: InferenceService;
  /** Closes the databases; a second call does nothing. */
  close(): void;
}

export interface StudioOptions {
  readonly dataDirectory: string;
  readonly entries: Entries;
  /** Entail's own version, for the record of a run. */
  readonly version: string;
  /** Sentences that a person should read, such as that a damaged file was set aside. */
  readonly onNotice: (notice: string) => void;
}

/**
 * A studio over a data directory, which is made when it is not there. Databases open when they are first needed, so
 * that a damaged one does not keep `engines doctor` from answering.
 * @throws StudioError UNREADABLE or WRITE_FAILED for a directory that cannot be used.
 */
export function openStudio(options: StudioOptions): Studio {
  return servicesOf(options).studio;
}

function servicesOf({ dataDirectory, entries, version, onNotice }: StudioOptions): {
  studio: Studio;
  databases: Databases;
} {
  try {
    mkdirSync(dataDirectory, { recursive: true });
  } catch (thrown) {
    throw writeError(thrown, dataDirectory);
  }
  const databases = new Databases(dataPlaces(dataDirectory), onNotice);
  const environment = describeEnvironment({ version, root: dirname(import.meta.dirname) });
  const engines = new EngineService(dataDirectory);
  const studio = {
    dataDirectory,
    datasets: new DatasetService(databases),
    engines,
    runs: new RunService(databases),
    training: new TrainingService({ databases, entries, environment, engines }),
    inference: new InferenceService({ databases, entries, engines }),
    close: () => databases.close(),
  };
  return { studio, databases };
}

/** A studio behind the contract, for the window and for browsers. */
export function hostStudio(
  options: Omit<StudioOptions, 'onNotice'> & { readonly platform: HostPlatform },
): HostedStudio {
  const notices: string[] = [];
  const { studio, databases } = servicesOf({ ...options, onNotice: (notice) => void notices.push(notice) });
  const events = createEventHub({ start: randomUUID() });
  const playground = new PlaygroundService({
    databases,
    inference: studio.inference,
    wish: () => context.settings.current(),
  });
  const context: HostContext = {
    ...studio,
    playground,
    version: options.version,
    databases,
    errorAnalysis: new ErrorAnalysisService(databases),
    entries: options.entries,
    platform: options.platform,
    publish: (published) => events.publish(published),
    notices,
  };
  const handlers: Handlers = {
    ...appHandlers(context),
    ...compareHandlers(context),
    ...datasetsHandlers(context),
    ...errorAnalysisHandlers(context),
    ...jobsHandlers(context),
    ...modelsHandlers(context),
    ...queueHandlers(context),
    ...runsHandlers(context),
    ...seriesHandlers(context),
    ...viewsHandlers(context),
  };
  const dispatcher = dispatcherOver(handlers);
  return {
    dataDirectory: options.dataDirectory,
    dispatch: dispatcher.dispatch,
    events,
    isBusy: () => false,
    close: async () => {
      const answered = dispatcher.close();
      // Its children first: nobody waits for a model that is still being loaded.
      await playground.close();
      await answered;
      events.close();
      studio.close();
    },
  };
}
