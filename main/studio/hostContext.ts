/** @file Runs under Node. The services that only a hosted studio has, wired together. */
import type { StudioEvent } from '../../shared/contract/events.ts';
import type { Databases } from './databases.ts';
import { DatasetChanges } from './datasetChanges.ts';
import { Deletions } from './deletions.ts';
import { ErrorAnalysisService } from './errorAnalysis.ts';
import type { HostContext } from './hosting.ts';
import { JobService } from './jobs.ts';
import { ModelChanges } from './modelChanges.ts';
import { PlaygroundService } from './playground.ts';
import { QueueService } from './queue.ts';
import { RunIndex } from './runIndex.ts';
import { SettingsService } from './settings.ts';
import { Uploads } from './uploads.ts';

/** What is there before: the services of every studio, and the host's part. */
export type HostBase = Pick<
  HostContext,
  | 'version'
  | 'dataDirectory'
  | 'databases'
  | 'entries'
  | 'datasets'
  | 'engines'
  | 'devices'
  | 'runs'
  | 'texts'
  | 'training'
  | 'inference'
  | 'exports'
  | 'takeInRun'
  | 'reportEngine'
  | 'models'
  | 'platform'
  | 'notices'
> & { readonly databases: Databases };

export function hostContext(base: HostBase, publish: (events: readonly StudioEvent[]) => void): HostContext {
  const { databases, runs, inference, dataDirectory } = base;
  const settings = new SettingsService(databases, publish);
  const runIndex = new RunIndex(databases);
  const deletions = new Deletions({ databases, runs, runIndex, publish });
  const queue = new QueueService({ ...base, deletions, publish, runIndex, settings });
  return {
    ...base,
    ...{ deletions, publish, queue, runIndex, settings },
    runControl: queue,
    datasetChanges: new DatasetChanges(databases, publish),
    errorAnalysis: new ErrorAnalysisService(databases),
    jobs: new JobService(publish),
    modelChanges: new ModelChanges(databases.places.models, publish),
    playground: new PlaygroundService({ databases, inference, wish: () => settings.current() }),
    uploads: new Uploads(dataDirectory),
  };
}
